"""The module that gunicorn imports, in a process of its own because the import loads the model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from my_inference_app.bundles.bundle import Bundle

# A worker that exits with this code stops gunicorn; other codes make it start a new worker.
GIVE_UP = 4


def run(code: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, timeout=60)


def test_import_gives_app_with_loaded_model(tiny: Bundle) -> None:
    code = "from my_inference_app.wsgi import app; print(app.extensions['registry'].names[0])"
    done = run(code, BUNDLE=str(tiny.path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "tiny\n"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("BUNDLE", "/no/bundle", "error: there is no bundle in /no/bundle: make it with `make export`"),
        ("PORT", "eighty", "error: PORT='eighty' cannot be used: give a whole number from 1 to 65535"),
        ("ENGINE", "abacus", "error: ENGINE='abacus' cannot be used: give one of openvino, torch, ray"),
    ],
)
def test_bad_setting_ends_import_with_one_line(tiny: Bundle, name: str, value: str, message: str) -> None:
    done = run("import my_inference_app.wsgi", **{"BUNDLE": str(tiny.path), name: value})
    assert (done.returncode, done.stdout, done.stderr) == (GIVE_UP, "", message + "\n")


def test_damaged_bundle_ends_import_with_one_line(tiny: Bundle, tmp_path: Path) -> None:
    for item in tiny.path.iterdir():
        (tmp_path / item.name).write_bytes(item.read_bytes())
    (tmp_path / "model.xml").write_text("<net/>")
    done = run("import my_inference_app.wsgi", BUNDLE=str(tmp_path))
    assert (done.returncode, done.stdout) == (GIVE_UP, "")
    assert done.stderr.splitlines() == [
        f"error: the bundle {tmp_path} is damaged: model.xml has another checksum; make it again with `make export`"
    ]
