"""What gunicorn imports: in a process of its own, as importing it loads the model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from my_inference_app.bundles.bundle import Bundle

# A gunicorn worker that ends like this makes gunicorn give up instead of starting it again and again.
GIVE_UP = 4


def run(code: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, timeout=60)


def test_it_has_the_app_with_the_model_loaded(tiny: Bundle) -> None:
    code = "from my_inference_app.wsgi import app; print(app.test_client().get('/readyz').text.strip())"
    done = run(code, BUNDLE=str(tiny.path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == '{"model":"tiny","status":"ready"}\n'


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("BUNDLE", "/no/bundle", "error: there is no bundle in /no/bundle: make it with `make export`"),
        ("PORT", "eighty", "error: PORT='eighty' cannot be used: give a whole number from 1 to 65535"),
        ("ENGINE", "abacus", "error: ENGINE='abacus' cannot be used: give one of openvino, torch"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(tiny: Bundle, name: str, value: str, message: str) -> None:
    done = run("import my_inference_app.wsgi", **{"BUNDLE": str(tiny.path), name: value})
    assert (done.returncode, done.stdout, done.stderr) == (GIVE_UP, "", message + "\n")


def test_a_damaged_bundle(tiny: Bundle, tmp_path: Path) -> None:
    for item in tiny.path.iterdir():
        (tmp_path / item.name).write_bytes(item.read_bytes())
    (tmp_path / "model.xml").write_text("<net/>")
    done = run("import my_inference_app.wsgi", BUNDLE=str(tmp_path))
    assert (done.returncode, done.stdout) == (GIVE_UP, "")
    assert done.stderr.splitlines() == [
        f"error: the bundle {tmp_path} is damaged: model.xml has another checksum; make it again with `make export`"
    ]
