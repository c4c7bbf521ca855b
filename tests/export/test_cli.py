"""The command line: its usage, its errors, and what it leaves behind when it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from my_inference_app.export import cli
from my_inference_app.export.sources import SOURCES
from tests.export.command_line import CommandLine
from tests.export.own_files import Network, save_labels, save_traced

USAGE = {
    "two models": (["a/b", "c/d"], "unrecognized arguments: c/d"),
    "an unknown option": (["--revision", "main"], "unrecognized arguments: --revision"),
    "an unknown engine": (["--engine", "onnx"], "argument --engine: invalid choice: 'onnx'"),
    "weights of a hub model": (["a/b", "--weights", "x.pth"], "--weights goes with torchvision:NAME\n"),
    "random weights of the default": (["--random-weights"], "--random-weights goes with torchvision:NAME\n"),
    "labels of the packaged": (
        ["efficientnet-lite0", "--labels", "x"],
        "--labels goes with torchvision:NAME, FILE.mar",
    ),
    "a size of the packaged": (["efficientnet-lite2", "--size", "260"], "--size goes with torchvision:NAME, FILE.mar"),
    "a layout of TorchScript": (["x.pt", "--layout", "NHWC"], "--layout goes with FILE.onnx\n"),
    "two kinds of weights": (
        ["torchvision:resnet18", "--weights", "x.pth", "--random-weights"],
        "--weights and --random-weights exclude each other",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), USAGE.values(), ids=USAGE)
def test_wrong_usage_is_explained(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    shown = capsys.readouterr()
    assert (stopped.value.code, shown.out) == (2, "")
    assert message in shown.err and "Traceback" not in shown.err


def test_help_names_every_form_of_model(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1000")  # names with a hyphen would be wrapped
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    *first, last = (source.form for source in SOURCES)
    assert f"{', '.join(first)} or {last}" in shown


def test_wrong_setting_is_an_error_in_one_line(command_line: CommandLine) -> None:
    assert command_line.with_(ENGINE="onnx")().error.startswith(
        "ENGINE='onnx' cannot be used: give one of openvino, torch"
    )


@pytest.mark.parametrize("model", ["efficientnet-lite0", "torchvision:resnet18", "FOLDER"])
@pytest.mark.parametrize("arguments", [[], ["--if-missing"]])
def test_revision_of_a_model_without_revisions_is_refused(
    model: str, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_REVISION", "v1")
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "models"))
    model = str(tmp_path) if model == "FOLDER" else model
    with pytest.raises(SystemExit) as stopped:
        cli.main([model, *arguments])
    message = f"MODEL_REVISION=v1 needs a model of the hub, and {model} is not one: unset it"
    assert stopped.value.code == f"error: {message}"
    assert not (tmp_path / "models").exists()


LIGHT = """
import sys
from my_inference_app.export.cli import main
main(sys.argv[1:])
print(*sorted({"torch", "transformers", "openvino", "huggingface_hub"} & sys.modules.keys()), "end")
"""


def test_if_missing_finds_a_bundle_without_heavy_libraries(command_line: CommandLine, efficientnet: Path) -> None:
    command_line.models.mkdir()
    (command_line.models / efficientnet.name).symlink_to(efficientnet)
    done = command_line.python(LIGHT, "efficientnet-lite0", "--if-missing")
    assert done.stdout.splitlines() == [str(command_line.models / efficientnet.name), "end"]


# The signal arrives when the model computes for the first time after the draft was written.
STOPPED = """
import os, signal, sys
from pathlib import Path
import torch
from my_inference_app.export import cli

def stop(*_):
    if any(Path(os.environ["TMPDIR"]).rglob("model.pt")):
        os.kill(os.getpid(), signal.SIGTERM)

before = signal.getsignal(signal.SIGTERM)
torch.nn.modules.module.register_module_forward_pre_hook(stop)
try:
    cli.main(["efficientnet-lite0"])
finally:
    print("as before" if signal.getsignal(signal.SIGTERM) is before else "changed")
"""


def test_sigterm_removes_temporary_folders(tmp_path: Path) -> None:
    scratch, models = tmp_path / "scratch", tmp_path / "models"
    scratch.mkdir()
    variables = {**os.environ, "TMPDIR": str(scratch), "MODELS_DIR": str(models)}
    done = subprocess.run([sys.executable, "-c", STOPPED], env=variables, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "as before\n"), done.stderr
    assert list(scratch.iterdir()) == list(models.iterdir()) == []


def test_last_line_tells_how_to_serve_a_bundle_that_model_does_not_lead_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("ENGINE", "torch")
    file, labels = save_traced(Network(), tmp_path / "flowers.pt"), save_labels(tmp_path / "names.txt")
    command = [str(file), "--labels", str(labels), *("--size", "64", "--resize", "64", "--mean", "0.5", "--std", "0.5")]
    cli.main(command)
    shown = capsys.readouterr()
    (folder,) = tmp_path.glob("flowers.pt--*")
    assert shown.out == f"{folder}\n"
    line = f"Serve it with: make run BUNDLE={folder} ENGINE=torch"
    assert shown.err.splitlines()[-1] == line

    cli.main([*command, "--if-missing"])
    assert capsys.readouterr().err.splitlines() == [line]
