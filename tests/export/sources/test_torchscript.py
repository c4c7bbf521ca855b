"""Bare TorchScript files. They run no Python, but their operators and hooks could do harm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import sha256
from my_inference_app.errors import SourceError
from my_inference_app.export.loaded_model import LoadedModel
from my_inference_app.export.options import Options
from my_inference_app.export.plan import Plan, run
from my_inference_app.export.sources import find
from tests.export.malicious import Malicious
from tests.export.own_files import LABELS, SMALL, Network, assert_answers_as, save_labels, save_traced


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return save_labels(tmp_path / "names.txt")


def save_scripted(module: torch.nn.Module, file: Path) -> Path:
    scripted: Any = torch.jit.script(module)
    scripted.save(str(file))
    return file


def load(file: Path, **options: Any) -> LoadedModel:
    return find(str(file)).load(Options(str(file), **options))


def test_traced_file_is_served(labels: Path, tmp_path: Path) -> None:
    file = save_traced(Network(), tmp_path / "flowers.pt")
    options = Options(str(file), labels=labels, input=SMALL)
    made = bundle.read(run(Plan(options, tmp_path / "models", ("openvino", "torch"))))
    variant = f"names-{sha256(labels)[:8]}-input-{SMALL.digest}"
    assert (made.name, made.path.name) == (f"flowers:{variant}", f"flowers.pt--{variant}")
    assert (made.labels, made.input) == (LABELS, SMALL.spec("a test"))
    assert_answers_as(Network(), made, "openvino", "torch")


def test_scripted_file_that_returns_probabilities_gives_the_same_probabilities(labels: Path, tmp_path: Path) -> None:
    file = save_scripted(torch.nn.Sequential(Network(), torch.nn.Softmax(1)), tmp_path / "flowers.pt")
    options = Options(str(file), labels=labels, input=SMALL)
    made = bundle.read(run(Plan(options, tmp_path / "models", ("openvino", "torch"))))
    assert_answers_as(Network(), made, "openvino", "torch")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input": SMALL}, r"the model has 4 classes: name them with --labels FILE"),
        ({}, r"nothing tells how images are prepared for flowers: give --size --resize --mean --std "),
    ],
)
def test_file_without_labels_or_preparation_says_what_to_give(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    file = save_traced(Network(), tmp_path / "flowers.pt")
    with pytest.raises(SourceError, match=message):
        load(file, **options)


class Writing(torch.nn.Module):
    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        torch.ops.aten.save(pixels, "PROOF")
        return pixels.mean((2, 3))


class Nested(torch.nn.Module):
    """In a branch that is not taken."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        if pixels.sum() > 1e30:
            torch.ops.aten.save(pixels, "PROOF")
        return pixels.mean((2, 3))


class Reading(torch.nn.Module):
    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.mean((2, 3)) + torch.from_file("PROOF", True, 3, dtype=torch.float32)


class Unasked(torch.nn.Module):
    @torch.jit.export
    def __getstate__(self) -> tuple[int, bool]:
        return 1, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[int, bool]) -> None:
        self.training = state[1]
        torch.ops.aten.save(torch.zeros(1), "PROOF")

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.mean((2, 3))


def hooked() -> torch.nn.Module:
    def hook(_self: Any, pixels: tuple[torch.Tensor]) -> None:
        torch.ops.aten.save(pixels[0], "PROOF")

    hook.__annotations__ = {"pixels": tuple[torch.Tensor], "return": None}
    module = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    module.register_forward_pre_hook(hook)
    return module


HARMFUL: dict[str, tuple[Callable[[], torch.nn.Module], str]] = {
    "reads a file": (Reading, "calls aten::from_file"),
    "writes a file": (Writing, "calls aten::save"),
    "writes a file in a branch": (Nested, "calls aten::save"),
    "writes a file when it is loaded": (Unasked, "runs while it is loaded, or in hooks"),
    "writes a file in a hook": (hooked, "runs while it is loaded, or in hooks"),
}


@pytest.mark.parametrize(("make", "message"), HARMFUL.values(), ids=HARMFUL)
def test_harmful_torchscript_is_refused_and_not_run(
    make: Callable[[], torch.nn.Module], message: str, labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = save_scripted(make(), tmp_path / "harmful.pt")
    with pytest.raises(SourceError, match=rf"^{file} is refused: its TorchScript {message}"):
        load(file, labels=labels, input=SMALL)
    assert not Path("PROOF").exists()


@pytest.mark.parametrize("wrap", [lambda code: code, lambda code: {"fc.bias": code}], ids=["alone", "among weights"])
def test_pickle_is_refused_and_not_loaded(wrap: Callable[[Malicious], Any], labels: Path, tmp_path: Path) -> None:
    file, proof = tmp_path / "mine.pt", tmp_path / "executed"
    torch.save(wrap(Malicious(proof)), file)
    with pytest.raises(SourceError, match=r"is not TorchScript: .* torchvision:NAME --weights FILE$"):
        load(file, labels=labels, input=SMALL)
    assert not proof.exists()


class Pair(Network):
    def forward(self, pixels: torch.Tensor) -> Any:
        logits = super().forward(pixels)
        return logits, logits


NOT_CLASSIFIERS: dict[str, tuple[torch.nn.Module, str]] = {
    "two outputs": (Pair(), "for one image it returns tuple, not 1 x classes"),
    "a map": (torch.nn.Conv2d(3, 4, 3), r"for one image it returns \[1, 4, 62, 46\], not 1 x classes"),
    "one number": (torch.nn.Sequential(Network(), torch.nn.Linear(4, 1)), r"it returns \[1, 1\], not 1 x classes"),
    "another size": (
        torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 64 * 64, 4)),
        "cannot be run on an image of 64x48: ",
    ),
}


@pytest.mark.parametrize(("module", "message"), NOT_CLASSIFIERS.values(), ids=NOT_CLASSIFIERS)
def test_file_that_is_not_a_classifier_is_refused(
    module: torch.nn.Module, message: str, labels: Path, tmp_path: Path
) -> None:
    file = save_traced(module, tmp_path / "flowers.pt")
    with pytest.raises(SourceError, match=rf"^flowers:.* {message}"):
        load(file, labels=labels, input=SMALL)


@pytest.mark.parametrize("data", [None, b"", b"hello"])
def test_file_that_is_not_torchscript_is_refused(data: bytes | None, labels: Path, tmp_path: Path) -> None:
    file = tmp_path / "flowers.pt"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(SourceError, match="No such file" if data is None else "is damaged, or not a TorchScript file"):
        load(file, labels=labels, input=SMALL)
