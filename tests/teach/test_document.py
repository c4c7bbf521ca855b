"""docs/teach.md: its commands run as written, and its names are those of the program."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from my_inference_app.settings import Settings
from my_inference_app.teach.cli import main
from tests.images import REPOSITORY

TEXT = (REPOSITORY / "docs" / "teach.md").read_text("utf-8")
MAKE, SERVE, CURL, PYTHON, *_ = re.findall(r"^ *```sh\n *(.*?)\n *```$", TEXT, re.MULTILINE | re.DOTALL)


def test_make_starts_the_command_shown() -> None:
    command = MAKE.replace("make", "make --dry-run", 1)
    variables = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    output = subprocess.check_output(command, shell=True, cwd=REPOSITORY, env=variables, text=True)
    planned = output.splitlines()
    words = PYTHON.replace("python", "exec .venv/bin/python", 1).removesuffix(" --model efficientnet-lite0").split()
    assert planned[-1].replace('"', "").split() == words
    assert planned[0].split()[-1] == "teach"


@pytest.mark.usefixtures("report")
def test_command_makes_a_bundle(settings: Settings, lessons: Path, tmp_path: Path) -> None:
    shutil.copytree(lessons, tmp_path / "photos")
    command = PYTHON.replace("python", sys.executable, 1)
    variables = {**os.environ, "MODELS_DIR": str(settings.models_dir), "PYTHONPATH": str(REPOSITORY)}
    folder = subprocess.check_output(command, shell=True, cwd=tmp_path, env=variables, text=True, timeout=120)
    assert folder == f"{settings.models_dir / 'my-cats' / '1'}\n"


def test_document_names_all_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    options = set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help"}
    assert set(re.findall(r"^\| `(--[a-z]+)", TEXT, re.MULTILINE)) == options


def test_document_names_all_keys_of_the_report(report: dict[str, Any]) -> None:
    rows = TEXT.partition("| in `--json` |")[2].partition("\n\n")[0].splitlines()
    assert set(re.findall(r"`(\w+)`", "".join(row.partition("|")[2].partition("|")[0] for row in rows))) == set(report)
