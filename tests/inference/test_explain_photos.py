"""Maps and embeddings of real photos. docs/explanations.md has the figures for all of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.explanations import (
    KINDS,
    hotter_on_its_side,
    labelled,
    nearest_share_the_kind,
    occluding_the_hottest_lowers_more,
    on_canvases,
)
from my_inference_app.bundles import bundle
from my_inference_app.inference.model_classifier import ModelClassifier
from my_inference_app.settings import Settings
from tests.images import PHOTOS

KIND_FOLDER = PHOTOS[0].parents[1] / "kinds" if PHOTOS else Path()
pytestmark = pytest.mark.skipif(not PHOTOS, reason="the photos are not part of the project")


@pytest.fixture(scope="module")
def classifier(efficientnet: Path) -> ModelClassifier:
    return ModelClassifier(bundle.read(efficientnet), Settings())


def test_map_is_hotter_where_the_photo_is(classifier: ModelClassifier) -> None:
    photos = labelled(PHOTOS[0].parent, classifier.labels)[::2]
    assert len(photos) == 100
    assert np.mean(hotter_on_its_side(classifier, photos)) >= 0.97


def test_covering_the_hottest_fifth_lowers_the_probability_more_than_as_much_elsewhere(
    classifier: ModelClassifier,
) -> None:
    photos = labelled(PHOTOS[0].parent, classifier.labels)[::4]
    images = on_canvases([path for path, _ in photos])
    found = occluding_the_hottest_lowers_more(classifier, images, [class_id for _, class_id in photos])
    assert len(found) == 50
    assert np.mean(found) >= 0.9


def test_nearest_neighbour_by_embedding_is_of_the_same_kind(classifier: ModelClassifier) -> None:
    paths = {kind: sorted((KIND_FOLDER / kind).glob("*.jpg")) for kind in KINDS}
    assert np.mean(nearest_share_the_kind(classifier, paths)) >= 0.9
