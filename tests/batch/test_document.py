"""docs/batch.md: its commands run as written, and its names are those of the program."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from my_inference_app.batch.item import SUFFIXES
from tests.images import REPOSITORY, SAMPLES

TEXT = (REPOSITORY / "docs" / "batch.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)\n```$", TEXT, re.MULTILINE | re.DOTALL)


MAKE, PYTHON = blocks("sh")
(READ,) = blocks("python")


def test_make_starts_the_command_shown() -> None:
    command = MAKE.replace("make", "make --dry-run", 1)
    # Without the settings of the make that may be running these tests: they would add lines to what is planned.
    variables = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    output = subprocess.check_output(command, shell=True, cwd=REPOSITORY, env=variables, text=True)
    planned = output.splitlines()
    words = PYTHON.replace("python", "exec .venv/bin/python", 1).split()
    assert planned[-1].replace('"', "").split() == words
    assert planned[0].split()[-1] == "batch"


def test_command_writes_what_the_example_reads(
    efficientnet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = PYTHON.replace("python", sys.executable, 1).replace("results.parquet", f"{tmp_path}/results.parquet")
    subprocess.run(
        command, shell=True, cwd=REPOSITORY, env={**os.environ, "BUNDLE": str(efficientnet)}, check=True, timeout=120
    )
    monkeypatch.chdir(tmp_path)
    exec(READ, {})  # noqa: S102
    name, *rows = capsys.readouterr().out.splitlines()
    assert name == "efficientnet-lite0"
    assert len(rows) == len(SAMPLES)
    assert "cat.jpg tiger cat" in rows
    metadata = set(pq.read_schema("results.parquet").metadata)
    (listed,) = re.findall(r"^The metadata of the file has (.*?)\.$", TEXT, re.MULTILINE)
    assert {name.encode() for name in re.findall(r"`(\w+)`", listed)} == metadata - {b"ARROW:schema"}


def test_document_names_all_suffixes() -> None:
    assert [suffix for suffix in SUFFIXES if f" {suffix}" not in TEXT] == []
