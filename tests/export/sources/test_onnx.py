"""ONNX files, written by torch. OpenVINO reads them, so only its engine serves them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import SettingError, SourceError
from my_inference_app.export.input_options import InputOptions
from my_inference_app.export.loaded_model import LoadedModel
from my_inference_app.export.options import Options
from my_inference_app.export.plan import Plan, run
from my_inference_app.export.sources import find
from tests.export.own_files import LABELS, SMALL, Network, assert_answers_as, save_labels, save_onnx

# The size is in the file.
SIZELESS = replace(SMALL, size=None)


@pytest.fixture(autouse=True)
def _quiet(recwarn: pytest.WarningsRecorder) -> None:
    """torch announces that its older exporter will go, and that it traces constants."""


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return save_labels(tmp_path / "names.txt")


def export(file: Path, labels: Path, input: InputOptions = SIZELESS) -> Bundle:
    options = Options(str(file), labels=labels, input=input)
    return bundle.read(run(Plan(options, file.parent / "models", ("openvino",), if_missing=True)))


def load(file: Path, **options: Any) -> LoadedModel:
    return find(str(file)).load(Options(str(file), **options))


def test_file_with_a_dynamic_batch_answers_as_torch_does(labels: Path, tmp_path: Path) -> None:
    file = save_onnx(Network(), tmp_path / "flowers.onnx", dynamic_axes={"x": {0: "batch"}})
    made = export(file, labels)
    assert (made.name.partition(":")[0], made.path.name.partition("--")[0]) == ("flowers", "flowers.onnx")
    assert (made.labels, made.input) == (LABELS, SMALL.spec("a test"))
    assert set(made.files) == {"model.xml", "model.bin"}
    assert made.agreement["openvino"]["top5_same"] == made.agreement["openvino"]["images"]
    assert_answers_as(Network(), made, "openvino")


def test_file_for_one_image_is_served_in_batches(labels: Path, tmp_path: Path) -> None:
    made = export(save_onnx(Network(), tmp_path / "flowers.onnx"), labels)
    assert_answers_as(Network(), made, "openvino")


def test_file_of_the_newer_exporter_is_served_with_its_second_file(labels: Path, tmp_path: Path) -> None:
    file = tmp_path / "flowers.onnx"
    torch.onnx.export(Network(), (torch.rand(1, 3, 64, 48),), file, verbose=False)
    second = tmp_path / "flowers.onnx.data"
    assert second.exists()
    made = export(file, labels)
    assert set(made.source["files"]) == {file.name, second.name}
    assert_answers_as(Network(), made, "openvino")


class ChannelsLast(Network):
    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return super().forward(pixels.permute(0, 3, 1, 2))


def test_layout_is_read_from_the_file(labels: Path, tmp_path: Path) -> None:
    made = export(save_onnx(ChannelsLast(), tmp_path / "flowers.onnx", (1, 64, 48, 3)), labels)
    assert made.input.size == (64, 48)
    assert_answers_as(Network(), made, "openvino")


def test_size_and_layout_that_the_file_leaves_open_are_given_by_flags(labels: Path, tmp_path: Path) -> None:
    axes = {"x": {0: "batch", 1: "height", 2: "width", 3: "channels"}}
    file = save_onnx(ChannelsLast(), tmp_path / "flowers.onnx", (1, 64, 48, 3), dynamic_axes=axes)
    with pytest.raises(SourceError, match=r"give --layout NCHW or --layout NHWC$"):
        load(file, labels=labels, input=SMALL)
    with pytest.raises(SourceError, match=r"nothing tells how images are prepared for flowers:.* give --size "):
        load(file, labels=labels, input=replace(SIZELESS, layout="NHWC"))
    assert_answers_as(Network(), export(file, labels, replace(SMALL, layout="NHWC")), "openvino")


def test_probabilities_stay_the_same(labels: Path, tmp_path: Path) -> None:
    module = torch.nn.Sequential(Network(), torch.nn.Softmax(1))
    assert_answers_as(Network(), export(save_onnx(module, tmp_path / "flowers.onnx"), labels), "openvino")


def test_half_precision_is_served(labels: Path, tmp_path: Path) -> None:
    class Half(Network):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return super().forward(pixels.float())

    file = tmp_path / "flowers.onnx"
    torch.onnx.export(Half(), (torch.rand(1, 3, 64, 48).half(),), file, dynamo=False)
    assert_answers_as(Network(), export(file, labels), "openvino")


def test_if_missing_exports_a_changed_file_again(labels: Path, tmp_path: Path) -> None:
    file = save_onnx(Network(), tmp_path / "flowers.onnx")
    first = export(file, labels)
    assert export(file, labels).created == first.created
    save_onnx(torch.nn.Sequential(Network(), torch.nn.Softmax(1)), file)
    assert export(file, labels).source != first.source


def test_torch_engine_is_refused(labels: Path, tmp_path: Path) -> None:
    options = Options("flowers.onnx", labels=labels, input=SMALL)
    message = r"^ENGINE=torch cannot serve flowers\.onnx: use ENGINE=openvino$"
    with pytest.raises(SettingError, match=message):
        run(Plan(options, tmp_path / "models", ("openvino", "torch")))


class Fixed(Network):
    """Has the batch size in its graph."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return super().forward(pixels).reshape(1, 2, 2).transpose(1, 2).reshape(1, len(LABELS))


class Pair(Network):
    def forward(self, pixels: torch.Tensor) -> Any:
        return super().forward(pixels), pixels.mean()


REFUSED: dict[str, tuple[torch.nn.Module, tuple[int, ...], InputOptions, str]] = {
    "a batch of one": (Fixed(), (1, 3, 64, 48), SIZELESS, "takes one image at a time, and cannot be changed"),
    "two outputs": (Pair(), (1, 3, 64, 48), SIZELESS, "has 1 inputs and 2 outputs: a classifier has one of each"),
    "grey images": (torch.nn.Flatten(), (1, 1, 64, 48), SIZELESS, "not images with three channels"),
    "vectors": (torch.nn.Flatten(), (1, 30), SIZELESS, r"takes f32 of shape \[1,30\], not images"),
    "another size": (Network(), (1, 3, 64, 48), replace(SMALL, size=(224, 224)), "takes images of 64x48: leave --size"),
    "another layout": (Network(), (1, 3, 64, 48), replace(SIZELESS, layout="NHWC"), "which is not NHWC with three"),
    "no preparation": (Network(), (1, 3, 64, 48), InputOptions(), "flowers:.* give --resize --mean --std "),
}


@pytest.mark.parametrize(("module", "shape", "input", "message"), REFUSED.values(), ids=REFUSED)
def test_unsuitable_file_is_refused_in_one_line(
    module: torch.nn.Module, shape: tuple[int, ...], input: InputOptions, message: str, labels: Path, tmp_path: Path
) -> None:
    file = save_onnx(module, tmp_path / "flowers.onnx", shape)
    with pytest.raises(SourceError, match=message) as caught:
        load(file, labels=labels, input=input)
    assert "\n" not in str(caught.value)


def test_labels_are_needed(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the model has 4 classes: name them with --labels FILE"):
        load(save_onnx(Network(), tmp_path / "flowers.onnx"), input=SIZELESS)


@pytest.mark.parametrize("data", [None, b"", b"hello"])
def test_file_that_is_not_onnx_is_refused(data: bytes | None, labels: Path, tmp_path: Path) -> None:
    file = tmp_path / "flowers.onnx"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(SourceError, match=f"^{re.escape(str(file))}(: No such file| cannot be read: | has 0 inputs)"):
        load(file, labels=labels, input=SMALL)


@pytest.mark.parametrize("place", ["../weights", "FOLDER/weights"])
def test_weights_outside_the_folder_are_not_read(place: str, labels: Path, tmp_path: Path) -> None:
    file = save_onnx(Network(), tmp_path / "weights")
    model = onnx.load(file)
    inside = tmp_path / "inside"
    inside.mkdir()
    onnx.save(model, inside / "flowers.onnx", save_as_external_data=True, location="w", size_threshold=0)
    (inside / "w").rename(tmp_path / "weights")
    model = onnx.load(inside / "flowers.onnx", load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = place.replace("FOLDER", str(tmp_path))
    onnx.save(model, inside / "flowers.onnx")
    with pytest.raises(SourceError, match="outside the base directory"):
        load(inside / "flowers.onnx", labels=labels, input=SIZELESS)
