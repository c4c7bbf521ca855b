"""From photos to a bundle that is served like any other."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from my_inference_app.bundles import bundle as bundles
from my_inference_app.inference.answers import Detail, Result
from my_inference_app.inference.classifier import ModelClassifier
from my_inference_app.inference.explain import activation
from my_inference_app.settings import Settings
from tests.teach import photos


def results(report: dict[str, Any], settings: Settings, images: list[bytes]) -> list[Result]:
    classifier = ModelClassifier(bundles.read(Path(report["bundle"])), settings)
    answer = classifier.classify(images, time.monotonic() + 60, detail=Detail.FEATURES)
    return [outcome for outcome in answer.outcomes if isinstance(outcome, Result)]


def test_taught_bundle_knows_photos_that_it_has_not_seen(report: dict[str, Any], settings: Settings) -> None:
    unseen = [photos.photo(label, 11) for label in photos.CLASSES]
    for engine in ("openvino", "torch"):
        found = results(report, Settings(models_dir=settings.models_dir, engine=engine), unseen)
        assert [result.top(1)[0].label for result in found] == list(photos.CLASSES)


def test_map_of_taught_class_leads_to_its_logit(report: dict[str, Any]) -> None:
    (result,) = results(report, Settings(precision="f32"), [photos.photo("cats", 12)])
    assert result.seen and result.seen.features
    head = result.seen.features.head
    for class_id, logit in enumerate(result.logits):
        assert np.isclose(activation(result, class_id).mean() + head.bias[class_id], logit, atol=1e-3)
