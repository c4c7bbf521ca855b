"""Names of bundles, and which existing bundle `--if-missing` keeps."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import Bundle, InputSpec, sha256
from my_inference_app.errors import SourceError
from my_inference_app.export.existing import is_current
from my_inference_app.export.imagenet import LABELS
from my_inference_app.export.options import Options
from my_inference_app.export.plan import Plan
from tests.bundles.sealing import change_manifest

RESNET = "torchvision:resnet50"
SPEC = InputSpec((8, 8), 8, "bilinear", (0.0,) * 3, (1.0,) * 3)
ENGINES = ("openvino",)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "my flowers.pth"
    file.write_bytes(b"weights")
    return file


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    file = tmp_path / "names.txt"
    file.write_text("rose\ntulip\n")
    return file


def folder_of(options: Options) -> str:
    return Plan(options, Path("models"), ENGINES).folder.name


def written(folder: Path, options: Options, source: dict[str, str], labels: tuple[str, ...] = LABELS) -> Bundle:
    def fill(scratch: Path) -> None:
        for name in ("model.xml", "model.bin"):
            (scratch / name).write_bytes(b"graph")

    return bundle.write(Bundle(folder, options.name, source, labels, SPEC, "f16 weights"), fill)


def test_bundle_is_named_after_its_model() -> None:
    assert folder_of(Options("tiny/resnet")) == "tiny--resnet"
    assert folder_of(Options("tiny/resnet", "v1.0")) == "tiny--resnet@v1.0"
    assert folder_of(Options(RESNET)) == "torchvision--resnet50"


def test_random_weights_have_a_bundle_of_their_own() -> None:
    options = Options(RESNET, random_weights=True)
    assert options.name == "torchvision:resnet50:random"
    assert folder_of(options) == "torchvision--resnet50--random"


def test_own_weights_have_a_bundle_named_after_file_and_content(weights: Path) -> None:
    options = Options(RESNET, weights=weights)
    assert options.name == f"torchvision:resnet50:my-flowers-{sha256(weights)[:8]}"
    assert folder_of(options) == f"torchvision--resnet50--my-flowers-{sha256(weights)[:8]}"
    weights.write_bytes(b"other weights")
    assert folder_of(Options(RESNET, weights=weights)) != folder_of(options)


def test_own_labels_of_default_weights_have_a_bundle_of_their_own(labels: Path) -> None:
    assert folder_of(Options(RESNET, labels=labels)).startswith("torchvision--resnet50--names-")


def test_missing_weights_are_an_error_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^.*/none\.pth: No such file or directory$"):
        folder_of(Options(RESNET, weights=tmp_path / "none.pth"))


@pytest.mark.parametrize("file", ["model.bin", "model.pt", "bundle.json"])
def test_damaged_bundle_is_not_current(file: str, efficientnet: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(efficientnet, tmp_path / "copy")
    options, engines = Options("efficientnet-lite0"), ("torch", "openvino")
    assert is_current(copy, options, engines)
    with (copy / file).open("ab") as opened:
        opened.write(b"x")
    assert not is_current(copy, options, engines)


def test_bundle_of_an_older_version_is_not_current(tmp_path: Path) -> None:
    options = Options("tiny/resnet")
    made = written(tmp_path / "a", options, {"kind": "hub"})
    assert is_current(made.path, options, ENGINES)
    change_manifest(made.path, lambda data: data.update(format=1))
    assert not is_current(made.path, options, ENGINES)


def test_bundle_without_the_engine_is_not_current(tmp_path: Path) -> None:
    options = Options("tiny/resnet")
    written(tmp_path / "a", options, {"kind": "hub"})
    assert is_current(tmp_path / "a", options, ("openvino",))
    assert not is_current(tmp_path / "a", options, ("openvino", "torch"))


def test_bundle_of_another_model_is_not_current(tmp_path: Path) -> None:
    """Such as a/b--c and a--b/c, which have the same folder."""
    written(tmp_path / "a", Options("a/b--c"), {"kind": "hub"})
    assert not is_current(tmp_path / "a", Options("a--b/c"), ENGINES)


def test_bundle_of_random_weights_is_not_current_for_the_real_model(tmp_path: Path) -> None:
    """As an older version wrote it."""
    written(tmp_path / "a", Options(RESNET), {"kind": "torchvision", "weights": "random"})
    assert not is_current(tmp_path / "a", Options(RESNET), ENGINES)


def test_bundle_of_own_weights_is_current_for_the_same_weights_and_labels(
    weights: Path, labels: Path, tmp_path: Path
) -> None:
    options = Options(RESNET, weights=weights, labels=labels)
    source = {"kind": "torchvision", "weights": weights.name, "sha256": sha256(weights)}
    written(tmp_path / "a", options, source, ("rose", "tulip"))
    assert is_current(tmp_path / "a", options, ENGINES)

    changed: list[Callable[[], object]] = [
        lambda: labels.write_text("tulip\nrose\n"),
        lambda: written(tmp_path / "a", options, {**source, "sha256": "0" * 64}, ("tulip", "rose")),
    ]
    for change in changed:
        change()
        assert not is_current(tmp_path / "a", options, ENGINES)
    assert not is_current(tmp_path / "a", replace(options, labels=None), ENGINES)
