"""The commands of docs/models.md, as they stand there, with files of a user's own."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from my_inference_app.bundles.bundle import read
from my_inference_app.export import cli
from my_inference_app.export.plan import Plan
from tests.export.own_files import LABELS, Network, save_labels, save_onnx, save_traced
from tests.images import REPOSITORY

DOCUMENT = (REPOSITORY / "docs" / "models.md").read_text("utf-8").replace("\\\n", " ")
BEGINNING = ".venv/bin/python -m my_inference_app.export "
COMMANDS = [line.removeprefix(BEGINNING) for line in DOCUMENT.splitlines() if line.startswith(BEGINNING)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands are given, with the files that they name."""
    save_labels(tmp_path / "FILE")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(model: str) -> list[str]:
    (found,) = [words for words in map(shlex.split, COMMANDS) if words[0] == model]
    return found


def test_document_has_a_command_for_each_kind_of_file() -> None:
    assert [shlex.split(line)[0] for line in COMMANDS] == ["torchvision:resnet50", "FILE.pt", "FILE.onnx"]


def test_command_for_a_torchscript_file_makes_a_bundle(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_traced(Network(), folder / "FILE.pt")
    cli.main(command("FILE.pt"))
    made = read(Path(capsys.readouterr().out.strip()))
    assert (made.labels, made.input.size, made.input.shortest_edge) == (LABELS, (224, 224), 256)


def test_command_for_an_onnx_file_makes_a_bundle(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_onnx(Network(), folder / "FILE.onnx")
    cli.main(command("FILE.onnx"))
    made = read(Path(capsys.readouterr().out.strip()))
    assert (made.labels, made.input.size, made.input.shortest_edge) == (LABELS, (64, 48), 256)


@pytest.mark.usefixtures("folder")
def test_command_for_weights_of_torchvision_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    """tests/export/sources/test_torchvision.py exports weights; those of a ResNet-50 take too long."""
    plans: list[Plan] = []
    monkeypatch.setattr(cli, "run", plans.append)
    cli.main(command("torchvision:resnet50"))
    (options,) = [plan.options for plan in plans]
    assert (options.weights, options.labels) == (Path("FILE"), Path("FILE"))


def test_flags_of_the_table_are_flags(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    table = re.findall(r"^\| (`--.*?) \|", DOCUMENT, re.MULTILINE)
    assert {flag for cell in table for flag in re.findall(r"--[a-z]+", cell)} - known == set()
