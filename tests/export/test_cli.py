"""The command line: what it takes, what it leaves alone, and that a bundle which answers otherwise is not written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from my_inference_app.bundles import bundle
from my_inference_app.errors import SourceError
from my_inference_app.export import cli
from my_inference_app.export.loaded_model import LoadedModel
from my_inference_app.export.pipeline import bundle_of
from my_inference_app.export.preprocessing import standard_spec, standard_transform
from tests.bundles.sealing import change_manifest
from tests.export.command_line import NOWHERE, CommandLine

USAGE = {
    "two models": (["a/b", "c/d"], "unrecognized arguments: c/d"),
    "an unknown option": (["--revision", "main"], "unrecognized arguments: --revision"),
    "an unknown engine": (["--engine", "onnx"], "argument --engine: invalid choice: 'onnx'"),
    "weights of a hub model": (["a/b", "--weights", "x.pth"], "go with torchvision:NAME"),
    "random weights of the default": (["--random-weights"], "go with torchvision:NAME"),
    "labels of the packaged": (["efficientnet-lite0", "--labels", "x"], "go with torchvision:NAME"),
    "two kinds of weights": (
        ["torchvision:resnet18", "--weights", "x.pth", "--random-weights"],
        "--weights and --random-weights exclude each other",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), USAGE.values(), ids=USAGE)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    shown = capsys.readouterr()
    assert (stopped.value.code, shown.out) == (2, "")
    assert message in shown.err and "Traceback" not in shown.err


def test_a_wrong_setting(command_line: CommandLine) -> None:
    assert command_line.with_(ENGINE="onnx")().error.startswith("ENGINE='onnx' is none of openvino, torch")


def test_only_the_folder_is_on_stdout(command_line: CommandLine, saved: Callable[[str], Path]) -> None:
    """And on stderr, where it is no terminal, nothing but our own lines."""
    done = command_line.with_(ENGINE="torch")(saved("vit"))
    made = bundle.read(done.folder)
    assert made.path == command_line.models / "vit"
    assert list(made.files) == ["model.pt"]
    first, *steps, last = done.stderr.splitlines()
    assert first == f"making the bundle of {saved('vit')}"
    assert len(steps) == 6 and all(step.startswith("  ") and step.endswith(" s") for step in steps)
    assert last.startswith(f"wrote {made.path} (")


def test_no_place_for_the_bundle(
    saved: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "file"))
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(saved("vit"))])
    assert stopped.value.code == f"error: [Errno 17] File exists: '{tmp_path / 'file'}'"
    assert capsys.readouterr().out == ""


LIGHT = """
import sys
from my_inference_app.export.cli import main
main(["efficientnet-lite0", "--if-missing"])
print(*sorted({"torch", "transformers", "openvino", "huggingface_hub"} & sys.modules.keys()), "end")
"""


def test_what_is_there_is_found_without_heavy_libraries(command_line: CommandLine, efficientnet: Path) -> None:
    command_line.models.mkdir()
    (command_line.models / efficientnet.name).symlink_to(efficientnet)
    done = command_line.python(LIGHT)
    assert done.stdout.splitlines() == [str(command_line.models / efficientnet.name), "end"]


@pytest.mark.parametrize("file", ["model.bin", "model.pt", "bundle.json"])
def test_what_is_damaged_is_not_there(file: str, efficientnet: Path, tmp_path: Path) -> None:
    """Then it would be made again: here the hub, which cannot be asked, says that it was tried."""
    models = tmp_path / "models"
    copy = shutil.copytree(efficientnet, models / "tiny--resnet")
    with (copy / file).open("ab") as opened:
        opened.write(b"x")
    done = CommandLine(tmp_path).with_(HF_ENDPOINT=NOWHERE)(
        "tiny/resnet", "--if-missing", "--engine", "torch", "--engine", "openvino"
    )
    assert "gives no answer" in done.error


def test_bundle_of_an_older_version_is_made_again(efficientnet: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(efficientnet, tmp_path / "models" / "tiny--resnet")
    change_manifest(copy, lambda data: data.update(format=1))
    done = CommandLine(tmp_path).with_(HF_ENDPOINT=NOWHERE)("tiny/resnet", "--if-missing")
    assert "gives no answer" in done.error, "it asks the hub for the weights"


class Plain(torch.nn.Module):
    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return 4 * pixels.mean((2, 3))


class Branching(Plain):
    """Goes another way for a picture it was not traced with."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits = super().forward(pixels)
        return logits if pixels.std() < 0.3 else logits.flip(1)


class Counting(Plain):
    """Only takes as many pictures at once as it was traced with."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return super().forward(pixels.reshape(int(pixels.shape[0]), 3, 224, 224))


class Untraceable(Plain):
    """Fails while it is traced."""

    def forward(self, *_: torch.Tensor) -> torch.Tensor:
        raise ValueError("not like this\nbut otherwise")


def source_of(module: torch.nn.Module, **changes: Any) -> LoadedModel:
    spec = standard_spec()
    labels = ("red", "green", "blue")
    return replace(
        LoadedModel("mine", module, labels, spec, standard_transform(spec), origin={"kind": "test"}), **changes
    )


FAILING = {
    "another answer": (
        source_of(Branching()),
        "mine answers differently after the conversion for openvino: on 3 pictu",
    ),
    "another number": (source_of(Counting()), "mine does not work for "),
    "not to be traced": (source_of(Untraceable()), "mine cannot be traced: not like this"),
    "pictures otherwise": (
        source_of(Plain(), input=replace(standard_spec(), mean=(0.0,) * 3)),
        "mine cannot be served: its own code prepares pictures in a way unknown here",
    ),
}


@pytest.mark.parametrize(("source", "message"), FAILING.values(), ids=FAILING)
def test_what_answers_otherwise_is_not_written(source: LoadedModel, message: str, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    older = bundle_of(source_of(Plain()), folder, ("openvino", "torch"))
    with pytest.raises(SourceError, match=f"^{message}") as caught:
        bundle_of(source, folder, ("openvino", "torch"))
    assert "\n" not in str(caught.value)
    assert bundle.read(folder) == older
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
