"""schemathesis sends what /openapi.json allows, and what it does not, to the live service."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.live.service import Service

# A random body is not an image: that a valid request may be refused as one is part of the contract.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method"
)


# A model without feature maps has no explanations, and its documented answer is 501.
CONFIGURATION = """
[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 501]
"""


def test_schemathesis_finds_nothing(service: Service, tmp_path: Path) -> None:
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration)),
        *("run", f"{service.url}/openapi.json"),
        *("--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "6", "--seed", "1"),
        *("--request-timeout", "60", "--report", "ndjson", "--report-dir", str(tmp_path), "--no-color"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
