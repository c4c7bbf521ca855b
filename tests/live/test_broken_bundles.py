"""A service with a broken bundle says so in one line, ends, and is never ready."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import requests

from benchmarks.ports import free_port
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import BundleError
from my_inference_app.inference.registry import load
from my_inference_app.settings import Settings
from tests.live.breakages import BREAKAGES, copy
from tests.live.service import REPOSITORY, environment, gunicorn_command


@pytest.mark.parametrize("name", BREAKAGES)
def test_broken_bundle_is_refused_in_one_line(tiny: Bundle, tmp_path: Path, name: str) -> None:
    spoil, reason = BREAKAGES[name]
    folder = tmp_path / "bundle"
    copy(tiny, folder)
    spoil(folder)
    with pytest.raises(BundleError, match=re.escape(reason)) as caught:
        load(Settings(bundle=str(folder)))
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["no folder", "a flipped bit", "a size that the model does not take"])
def test_service_with_a_broken_bundle_does_not_start(tiny: Bundle, tmp_path: Path, name: str) -> None:
    spoil, reason = BREAKAGES[name]
    folder = tmp_path / "bundle"
    copy(tiny, folder)
    spoil(folder)
    port, log = free_port(), tmp_path / "log"
    command = gunicorn_command("my_inference_app.wsgi:app")
    variables = environment(BUNDLE=folder, APP_PORT=port, WORKERS=1)
    seen = set()
    with log.open("wb") as out, subprocess.Popen(command, cwd=REPOSITORY, env=variables, stderr=out) as process:
        while process.poll() is None:
            seen.add(status_of(f"http://127.0.0.1:{port}/readyz"))
    said = log.read_text()
    lines = [line for line in said.splitlines() if line.startswith("error: ")]
    assert process.returncode not in (0, None)
    assert seen <= {None}
    assert len(lines) == 1 and reason in lines[0], said
    assert "Traceback" not in said


def status_of(url: str) -> int | None:
    try:
        return requests.get(url, timeout=0.3).status_code
    except requests.RequestException:
        return None
