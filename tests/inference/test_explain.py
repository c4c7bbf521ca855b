"""Maps, overlays and embeddings: their arithmetic on small numbers, their meaning on real photos."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.bundles.head import Head, Norm
from my_inference_app.errors import ExplanationUnavailable
from my_inference_app.inference.answers import Answer, Detail, FeatureMap, Result, Seen
from my_inference_app.inference.explain import OCCLUSIONS, activation, embedding, occlusion, overlay
from my_inference_app.inference.images.decode import box_of
from my_inference_app.inference.model_classifier import ModelClassifier
from my_inference_app.settings import Settings
from tests.images import PHOTOS, SAMPLES, encode, pattern, plain_image

RANDOM = np.random.default_rng(0)
needs_photos = pytest.mark.skipif(not PHOTOS, reason="the photos are not part of the project")


def floats(*shape: int) -> NDArray[np.float32]:
    return RANDOM.normal(size=shape).astype(np.float32)


def result_of(head: Head, values: NDArray[np.float32]) -> Result:
    seen = Seen(np.zeros((8, 8, 3), np.uint8), (0.0, 0.0, 8.0, 8.0), FeatureMap(values, head))
    return Result(("a", "b"), head.logits(values), seen=seen)


@pytest.fixture(scope="module")
def classifier(efficientnet: Path) -> ModelClassifier:
    return ModelClassifier(bundle.read(efficientnet), Settings(precision="f32"))


def look(classifier: ModelClassifier, *images: bytes, detail: Detail = Detail.FEATURES) -> list[Result]:
    outcomes = classifier.classify(images, time.monotonic() + 600, detail=detail).outcomes
    results = [outcome for outcome in outcomes if isinstance(outcome, Result)]
    assert len(results) == len(images)
    return results


@pytest.mark.parametrize("norm", [None, Norm(floats(5), floats(5), 1e-6)], ids=["no norm", "norm"])
def test_mean_of_a_map_plus_bias_is_the_logit(norm: Norm | None) -> None:
    result = result_of(Head(floats(2, 5), floats(2), norm), 3 + floats(4, 6, 5))
    features = result.seen.features if result.seen else None
    assert features
    for class_id in (0, 1):
        grid = activation(result, class_id)
        assert grid.shape == (4, 6)
        assert grid.mean() + features.head.bias[class_id] == pytest.approx(result.logits[class_id], abs=1e-4)


def test_embedding_is_the_mean_of_all_places() -> None:
    values = floats(3, 3, 4)
    result = result_of(Head(floats(2, 4), floats(2)), values)
    np.testing.assert_allclose(embedding(result), values.mean((0, 1)), rtol=1e-5)
    assert np.linalg.norm(embedding(result, normalize=True)) == pytest.approx(1, abs=1e-6)


def test_embedding_of_nothing_can_be_normalised() -> None:
    result = result_of(Head(floats(2, 4), floats(2)), np.zeros((3, 3, 4), np.float32))
    np.testing.assert_array_equal(embedding(result, normalize=True), np.zeros(4))


def test_result_without_features_cannot_be_explained() -> None:
    with pytest.raises(ExplanationUnavailable):
        activation(Result(("a",), floats(1)), 0)


def opacity(png: bytes) -> NDArray[np.uint8]:
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGBA"))[:, :, 3]


def test_overlay_is_opaque_where_the_map_is_hot() -> None:
    grid = np.zeros((4, 4), np.float32)
    grid[0, 3], grid[3, 0] = 2, -2
    found = opacity(overlay(grid, (40, 60)))
    assert found.shape == (40, 60)
    assert found[:8, 48:].mean() > 100
    assert found[20:].max() == 0


def test_overlay_of_a_map_that_speaks_against_the_class_is_transparent() -> None:
    assert opacity(overlay(np.full((3, 3), -1, np.float32), (30, 30))).max() == 0


def test_occlusion_is_hot_where_the_image_decides() -> None:
    """The model: class 0 is the brightness of the upper left corner."""
    pixels = np.zeros((70, 70, 3), np.uint8)
    pixels[:10, :10] = 200

    def corner(images: Sequence[NDArray[np.uint8]]) -> Answer:
        assert len(images) == OCCLUSIONS**2
        return Answer([Result(("a", "b"), np.array([image[:10, :10].mean(), 0], np.float32)) for image in images])

    result = Result(("a", "b"), np.array([200, 0], np.float32), seen=Seen(pixels, (0, 0, 70, 70)))
    first, second = occlusion(result, (0, 1), (0, 0, 0), corner)
    assert first.argmax() == 0
    assert first[0, 0] == 200 and first[3:, 3:].max() == 0
    assert not second.any()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_box_lies_in_the_image_as_it_is_shown(tiny: Bundle, orientation: int) -> None:
    """A wide image, or a high one that is stored on its side: the model sees 32/36 of the shorter side."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = pattern(300, 180) if orientation < 5 else pattern(180, 300)
    box = box_of(encode(stored, "JPEG", exif=exif), tiny.input)
    assert box == pytest.approx((70, 10, 230, 170), abs=1.5)


def test_model_without_a_feature_map_says_so(tiny: Bundle) -> None:
    classifier = ModelClassifier(tiny, Settings())
    assert classifier.description.features is None
    with pytest.raises(ExplanationUnavailable, match="make its bundle again"):
        look(classifier, plain_image())
    (result,) = look(classifier, plain_image(), detail=Detail.IMAGE)
    assert result.seen and result.seen.features is None


def test_result_holds_no_more_than_was_asked_for(classifier: ModelClassifier) -> None:
    (result,) = look(classifier, SAMPLES[0].read_bytes(), detail=Detail.LOGITS)
    assert result.seen is None


def test_map_of_a_real_image_leads_to_its_logit(classifier: ModelClassifier) -> None:
    for result in look(classifier, *(path.read_bytes() for path in SAMPLES)):
        features = result.seen.features if result.seen else None
        assert features
        for prediction in result.top(5):
            mean = activation(result, prediction.class_id).mean()
            logit = result.logits[prediction.class_id]
            assert mean + features.head.bias[prediction.class_id] == pytest.approx(logit, abs=1e-3)
