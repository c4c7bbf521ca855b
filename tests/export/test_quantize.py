"""int8 bundles and their comparison with the float model: the real model, real images."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import InputSpec
from my_inference_app.bundles.head import Head, read_head
from my_inference_app.engines import base, openvino
from my_inference_app.engines.base import load_engine
from my_inference_app.errors import SourceError
from my_inference_app.export import evaluate, quantize
from my_inference_app.export.cli import main
from my_inference_app.export.image_folder import find
from my_inference_app.export.options import Calibration, Options
from my_inference_app.export.plan import Plan, run
from my_inference_app.resources import cores
from my_inference_app.teach import graph

SAMPLES = sorted((Path(__file__).parents[2] / "post_request").glob("*.[jp][pn]g"))


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 images, cut out of the three samples; the names tell the class of the cat's and the cup's."""
    folder = tmp_path_factory.mktemp("crops")
    random = np.random.default_rng(0)
    for path in SAMPLES:
        image = Image.open(path).convert("RGB")
        prefix = {"cat": "n02123159_", "coffee": "n07920052_"}.get(path.stem, "")
        for number in range(40):
            side = int(random.integers(220, min(image.size)))
            left, top = (int(random.integers(0, length - side)) for length in image.size)
            cut = image.crop((left, top, left + side, top + side))
            cut.save(folder / f"{prefix}{path.stem}{number}.jpg", quality=90)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, crops: Path) -> Iterator[Path]:
    """A folder with the int8 bundle of efficientnet-lite0."""
    folder = tmp_path_factory.mktemp("int8")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"PRECISION": "int8", "CALIBRATION": crops, "MODELS_DIR": folder}.items():
            patch.setenv(name, str(value))
        main(["efficientnet-lite0", "--accept-agreement"])
        yield folder


def test_bundle_reports_how_well_int8_agrees(models: Path) -> None:
    made = bundle.read(models / "efficientnet-lite0--int8")
    assert made.precision == "int8"
    found = made.agreement["int8"]
    assert found["calibration_images"] == found["held_out_images"] == 60
    assert 0.85 <= found["top1_agreement"] <= 1
    assert 0 < found["top1_accuracy"] <= 1
    assert (made.path / "model.bin").stat().st_size < 6_500_000, "the weights are bytes"
    engine = load_engine(made, "openvino", threads=cores())
    assert engine(np.zeros((3, 224, 224, 3), np.uint8)).shape == (3, 1000)
    assert made.features
    assert made.agreement["features"]["openvino, int8"] <= 1e-3, "what follows the map stays in float"


def test_int8_bundle_gets_another_last_layer(models: Path, tmp_path: Path) -> None:
    """As teaching does it: the first three classes as a model of their own."""
    made = bundle.read(models / "efficientnet-lite0--int8")
    head = read_head(made)
    assert head
    graph.replace_last_layer(made.path / "model.xml", tmp_path, head, Head(head.weight[:3], head.bias[:3]))
    images = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), np.uint8)
    before = load_engine(made, "openvino", threads=cores(), precision="f32")(images)
    after = openvino.load_file(tmp_path / "model.xml", base.Options(cores(), precision="f32"))(images)
    assert np.allclose(after, before[:, :3], atol=1e-3)


def test_if_missing_needs_no_images_for_an_existing_bundle(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CALIBRATION")
        main(["efficientnet-lite0", "--if-missing"])
        assert capsys.readouterr().out == f"{models}/efficientnet-lite0--int8\n"
        with pytest.raises(SystemExit, match="set CALIBRATION to a folder of them"):
            main(["efficientnet-lite0"])


@pytest.mark.usefixtures("models")
def test_int8_with_another_engine_is_refused() -> None:
    with pytest.raises(SystemExit, match="PRECISION=int8 is for the openvino engine"):
        main(["efficientnet-lite0", "--engine", "torch"])


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    spec = InputSpec((8, 8), 8, "bilinear", (0.0,) * 3, (1.0,) * 3)
    for path in SAMPLES:
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "broken.jpg").write_bytes(b"not an image")
    with pytest.raises(SourceError, match="3 readable images; int8 needs at least 100"):
        quantize.halves(tmp_path, spec, ["a", "b"])


def test_disagreement_is_refused_and_the_older_bundle_kept(
    crops: Path, saved: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No model reaches this limit."""
    monkeypatch.setattr(quantize, "LEAST_AGREEMENT", 1.01)
    older = tmp_path / "resnet--int8" / "bundle.json"
    older.parent.mkdir()
    older.write_text("older")
    with pytest.raises(SourceError, match="less than 101%: calibrate with more or other images"):
        run(Plan(Options(str(saved("resnet")), calibration=Calibration(crops)), tmp_path, ("openvino",)))
    assert older.read_text() == "older"
    assert [path.name for path in tmp_path.iterdir()] == ["resnet--int8"]


@pytest.mark.usefixtures("models")
def test_evaluation_reports_accuracy(
    crops: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MODEL", "efficientnet-lite0")
    evaluate.main([str(crops)])
    report = json.loads(capsys.readouterr().out)
    assert report["images"] == 80
    assert report["unlabelled"] == 40
    assert report["precision"] == "int8"
    assert 0.2 < report["top1"] <= report["top5"] <= 1
    with pytest.raises(SystemExit) as failed:
        evaluate.main([str(crops / "none")])
    assert failed.value.code == f"error: {crops}/none is not a folder of images"


@pytest.mark.parametrize(
    ("name", "labels", "class_id"),
    [
        ("n01440764/x.jpg", 1000, 0),
        ("x_n01443537.jpg", 1000, 1),
        ("7/x.jpg", 10, 7),
        ("10/x.jpg", 10, None),
        ("n01440764/x.jpg", 10, None),
        ("n99999999/x.jpg", 1000, None),
        ("x.jpg", 1000, None),
    ],
)
def test_class_is_read_from_the_names(tmp_path: Path, name: str, labels: int, class_id: int | None) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    assert [file.class_id for file in find(tmp_path, ["label"] * labels)] == [class_id]
