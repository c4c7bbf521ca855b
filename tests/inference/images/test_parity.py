"""Our preparation of images against torchvision's, which models are trained with.

Both use Pillow's resize. We crop while resizing, so a value may be rounded differently (one step of 255), and Pillow
may resize height before width, which shows where bicubic overshoots at a sharp edge. Large JPEGs are first reduced by
their decoder. In the mean over an image the difference stays below one step, and it changes no answer.
"""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import InputSpec
from my_inference_app.export.agreement import original_scores
from my_inference_app.export.options import Options
from my_inference_app.export.sources import find
from my_inference_app.export.torchvision_cpu import torchvision
from my_inference_app.inference.images.decode import decode
from my_inference_app.inference.model_classifier import ModelClassifier
from my_inference_app.settings import Settings
from tests.images import PHOTOS, SAMPLES, encode

SMOOTH = ["bilinear", "bicubic", "lanczos", "hamming"]
SHAPES: list[tuple[tuple[int, int], int | None]] = [
    ((224, 224), 256),
    ((224, 224), 235),
    ((224, 224), 224),
    ((288, 288), 320),
    ((160, 192), 201),
    ((224, 224), None),
    ((384, 320), None),
]


def spec_of(size: tuple[int, int], shortest_edge: int | None, interpolation: str) -> InputSpec:
    return InputSpec(size, shortest_edge, interpolation, (0.0,) * 3, (1.0,) * 3)


def differences(data: bytes, spec: InputSpec) -> NDArray[np.int64]:
    transforms = torchvision.transforms
    mode = transforms.InterpolationMode(spec.interpolation)
    image = transforms.Resize(spec.shortest_edge or spec.size, mode)(Image.open(io.BytesIO(data)).convert("RGB"))
    if spec.shortest_edge:
        image = transforms.CenterCrop(spec.size)(image)
    ours, theirs = decode(data, spec, max_pixels=50_000_000), np.asarray(image)
    assert ours.shape == theirs.shape
    found: NDArray[np.int64] = np.abs(ours.astype(np.int64) - theirs)
    return found


@pytest.mark.parametrize(("size", "edge"), SHAPES, ids=str)
@pytest.mark.parametrize("interpolation", SMOOTH)
def test_samples_are_prepared_as_by_torchvision(size: tuple[int, int], edge: int | None, interpolation: str) -> None:
    """Every pair of shape and interpolation; together they pair each of them with every sample."""
    sample = SAMPLES[(SHAPES.index((size, edge)) + SMOOTH.index(interpolation)) % len(SAMPLES)]
    assert differences(sample.read_bytes(), spec_of(size, edge, interpolation)).max() <= 1, sample.name


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("interpolation", ["box", "nearest"])
def test_interpolation_without_weights_differs_in_few_pixels(sample: Path, interpolation: str) -> None:
    # If a pixel lies between two, either may be taken. Few do.
    assert (differences(sample.read_bytes(), spec_of((224, 224), 235, interpolation)) > 1).mean() < 0.02


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("edge", [256, None])
def test_large_jpegs_are_prepared_as_by_torchvision(sample: Path, edge: int | None) -> None:
    image = Image.open(sample).convert("RGB")
    # One pixel more than the decoder's reduction divides by: the remainder must not shift the rest.
    large = image.resize((image.width * 6 + 1, image.height * 6 + 1), Image.Resampling.BICUBIC)
    assert differences(encode(large, "JPEG", quality=90), spec_of((224, 224), edge, "bicubic")).mean() < 0.5


@pytest.mark.skipif(not PHOTOS, reason="the photos are development data, not part of the project")
@pytest.mark.parametrize(("edge", "interpolation"), [(256, "bicubic"), (256, "bilinear"), (None, "bicubic")])
def test_photos_are_prepared_as_by_torchvision(edge: int | None, interpolation: str) -> None:
    spec = spec_of((224, 224), edge, interpolation)
    for photo in PHOTOS[::8]:
        found = differences(photo.read_bytes(), spec)
        assert found.mean() < 0.75, photo.name
        assert (found > 2).mean() < 0.02, photo.name


def test_real_model_answers_as_the_original(efficientnet: Path) -> None:
    data = [path.read_bytes() for path in SAMPLES]
    expected = original_scores(find("efficientnet-lite0").load(Options("efficientnet-lite0")), data)
    classifier = ModelClassifier(bundle.read(efficientnet), Settings())
    answer = classifier.classify(data, time.monotonic() + 60)
    for scores, outcome in zip(expected, answer.outcomes, strict=True):
        assert not isinstance(outcome, Exception)
        assert outcome.top(1)[0].class_id == scores.argmax()
        for prediction in outcome.top(1000):
            assert prediction.score == pytest.approx(scores[prediction.class_id], abs=0.02)
