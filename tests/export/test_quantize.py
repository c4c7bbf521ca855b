"""int8 bundles and how they are judged, with the real model on real pictures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from my_inference_app.export.pictures import find
from PIL import Image

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import InputSpec
from my_inference_app.engines.base import load_engine
from my_inference_app.errors import SourceError
from my_inference_app.export import quantize
from my_inference_app.export.cli import main
from my_inference_app.resources import cores

SAMPLES = sorted((Path(__file__).parents[2] / "post_request").glob("*.[jp][pn]g"))


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 pictures, cut out of the three that there are; the names tell the class of the cat's and the cup's."""
    folder = tmp_path_factory.mktemp("crops")
    random = np.random.default_rng(0)
    for path in SAMPLES:
        picture = Image.open(path).convert("RGB")
        prefix = {"cat": "n02123159_", "coffee": "n07920052_"}.get(path.stem, "")
        for number in range(40):
            side = int(random.integers(220, min(picture.size)))
            left, top = (int(random.integers(0, length - side)) for length in picture.size)
            cut = picture.crop((left, top, left + side, top + side))
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


def test_the_bundle_says_how_well_int8_agrees(models: Path) -> None:
    made = bundle.read(models / "efficientnet-lite0--int8")
    assert made.precision == "int8"
    found = made.agreement["int8"]
    assert found["calibration_pictures"] == found["held_out_pictures"] == 60
    assert 0.85 <= found["top1_agreement"] <= 1
    assert 0 < found["top1_accuracy"] <= 1
    assert (made.path / "model.bin").stat().st_size < 6_500_000, "the weights are bytes"
    engine = load_engine(made, "openvino", threads=cores())
    assert engine(np.zeros((3, 224, 224, 3), np.uint8)).shape == (3, 1000)


def test_one_that_is_there_is_found_without_pictures(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CALIBRATION")
        main(["efficientnet-lite0", "--if-missing"])
        assert capsys.readouterr().out == f"{models}/efficientnet-lite0--int8\n"
        with pytest.raises(SystemExit, match="name a folder of them as CALIBRATION"):
            main(["efficientnet-lite0"])


@pytest.mark.usefixtures("models")
def test_int8_is_for_openvino() -> None:
    with pytest.raises(SystemExit, match="PRECISION=int8 is for the openvino engine"):
        main(["efficientnet-lite0", "--engine", "torch"])


def test_too_few_pictures(tmp_path: Path) -> None:
    spec = InputSpec((8, 8), 8, "bilinear", (0.0,) * 3, (1.0,) * 3)
    for path in SAMPLES:
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(SourceError, match="3 readable pictures; int8 takes 100 at least"):
        quantize.halves(tmp_path, spec, ["a", "b"])


def test_disagreement_is_refused(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a bar no model reaches, the bundle that is there stays as it was."""
    before = (models / "efficientnet-lite0--int8" / "bundle.json").read_bytes()
    monkeypatch.setattr(quantize, "LEAST_AGREEMENT", 1.01)
    with pytest.raises(SystemExit, match="less than 101%: calibrate with more or other pictures"):
        main(["efficientnet-lite0"])
    assert (models / "efficientnet-lite0--int8" / "bundle.json").read_bytes() == before


def test_evaluate(models: Path, crops: Path) -> None:
    variables = {**os.environ, "MODEL": "efficientnet-lite0", "MODELS_DIR": str(models), "PRECISION": "int8"}
    command = [sys.executable, "-m", "my_inference_app.export.evaluate"]
    done = subprocess.run([*command, str(crops)], env=variables, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    assert report["pictures"] == 80
    assert report["unlabelled"] == 40
    assert report["precision"] == "int8"
    assert 0.2 < report["top1"] <= report["top5"] <= 1
    failed = subprocess.run([*command, str(crops / "none")], env=variables, capture_output=True, text=True)
    assert (failed.returncode, failed.stderr) == (1, f"error: {crops}/none is not a folder of pictures\n")


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
def test_the_class_of_a_picture(tmp_path: Path, name: str, labels: int, class_id: int | None) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    assert [picture.class_id for picture in find(tmp_path, ["label"] * labels)] == [class_id]
