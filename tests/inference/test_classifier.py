"""Images of known colours in, labels out, through both engines."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import (
    BundleError,
    ClientGone,
    DeadlineExceeded,
    ImageTooLarge,
    ImageUndecodable,
    ServiceError,
    SettingError,
    UnsupportedFormat,
)
from my_inference_app.inference.answers import Prediction, Result
from my_inference_app.inference.classifier import Classifier
from my_inference_app.inference.images.budget import budget_of_worker
from my_inference_app.inference.model_classifier import ModelClassifier, Shared
from my_inference_app.inference.registry import load
from my_inference_app.settings import Settings
from my_inference_app.watchdog import InFlight
from tests.images import COLOURS, plain_image, png
from tests.inference.gates import patient, until


@pytest.fixture(scope="module", params=["openvino", "torch"])
def classifier(request: pytest.FixtureRequest, tiny: Bundle) -> Classifier:
    return load(Settings(bundle=str(tiny.path), engine=request.param, max_batch=4, max_pixels=10_000)).find()


def shared_by_models(in_flight: InFlight | None = None) -> Shared:
    return Shared(in_flight or InFlight(), budget_of_worker(Settings()))


def classify(classifier: Classifier, *images: bytes, top_k: int = 3) -> list[Sequence[Prediction] | ServiceError]:
    outcomes = classifier.classify(images, time.monotonic() + 60).outcomes
    return [outcome.top(top_k) if isinstance(outcome, Result) else outcome for outcome in outcomes]


def best(outcome: Sequence[Prediction] | ServiceError) -> str:
    assert not isinstance(outcome, ServiceError)
    return outcome[0].label


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
@pytest.mark.parametrize("label", COLOURS)
def test_image_gets_its_label(classifier: Classifier, label: str, format: str) -> None:
    (outcome,) = classify(classifier, plain_image(label, format=format))
    assert best(outcome) == label


def test_scores_are_probabilities_best_first(classifier: Classifier) -> None:
    (outcome,) = classify(classifier, plain_image("blue"))
    assert not isinstance(outcome, ServiceError)
    scores = [prediction.score for prediction in outcome]
    assert sum(scores) == pytest.approx(1)
    assert scores == sorted(scores, reverse=True)
    assert {prediction.class_id: prediction.label for prediction in outcome} == dict(enumerate(COLOURS))
    logits = np.array(COLOURS["blue"]) / 32
    assert scores[0] == pytest.approx(np.exp(logits[2]) / np.exp(logits).sum(), abs=0.01)


@pytest.mark.parametrize(("top_k", "found"), [(1, 1), (2, 2), (3, 3), (5, 3), (1000, 3)])
def test_top_k_bounds_the_predictions(classifier: Classifier, top_k: int, found: int) -> None:
    (outcome,) = classify(classifier, plain_image(), top_k=top_k)
    assert not isinstance(outcome, ServiceError)
    assert len(outcome) == found


def test_several_images_keep_their_order_each_with_its_own_error(classifier: Classifier) -> None:
    images = [
        plain_image("red"),
        b"not an image",
        plain_image("blue", format="JPEG"),
        plain_image("red")[:60],
        b"",
        plain_image(size=(101, 100)),
        *[plain_image("green")] * 8,
    ]
    outcomes = classify(classifier, *images)
    errors = [UnsupportedFormat, ImageUndecodable, UnsupportedFormat, ImageTooLarge]
    assert [type(outcomes[index]) for index in (1, 3, 4, 5)] == errors
    assert [best(outcomes[index]) for index in (0, 2)] == ["red", "blue"]
    assert [best(outcome) for outcome in outcomes[6:]] == ["green"] * 8


def test_request_with_only_unreadable_images_has_no_timings_of_the_engine(classifier: Classifier) -> None:
    answer = classifier.classify([b"", b"x"], time.monotonic() + 60)
    assert [type(outcome) for outcome in answer.outcomes] == [UnsupportedFormat] * 2
    assert (answer.timings.queue, answer.timings.infer) == (0, 0)


def test_timings_of_readable_images_are_measured(classifier: Classifier) -> None:
    timings = classifier.classify([plain_image(), b"x", plain_image()], time.monotonic() + 60).timings
    assert timings.decode > 0 and timings.infer > 0 and timings.queue >= 0


def test_many_requests_at_once_get_their_own_labels(classifier: Classifier) -> None:
    labels = list(COLOURS) * 50
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda label: classify(classifier, plain_image(label)), labels))
    assert [best(outcome) for (outcome,) in outcomes] == labels


def test_classifier_is_ready_once_it_is_warm(tiny: Bundle) -> None:
    classifier = ModelClassifier(bundle.read(tiny.path), Settings())
    assert (classifier.name, classifier.ready) == ("tiny", False)
    classifier.warm_up()
    assert classifier.ready
    assert load(Settings(bundle=str(tiny.path))).ready


def test_batches_of_one_image_are_possible(tiny: Bundle) -> None:
    one_by_one = load(Settings(bundle=str(tiny.path), max_batch=1, queue_size=1)).find()
    assert [best(outcome) for outcome in classify(one_by_one, *map(plain_image, COLOURS))] == list(COLOURS)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"bundle": "/no/bundle"}, BundleError),
        ({"engine": "openvino", "device": ("cuda",)}, SettingError),
        ({"engine": "torch", "device": ("abacus",)}, SettingError),
    ],
)
def test_unusable_bundle_or_device_is_refused(tiny: Bundle, settings: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        load(Settings(**{"bundle": str(tiny.path), **settings}))


def test_nothing_is_computed_for_a_client_that_is_gone(classifier: Classifier) -> None:
    with pytest.raises(ClientGone):
        classifier.classify([b"not even opened"], time.monotonic() + 60, lambda: True)


def test_nothing_is_computed_past_the_deadline(classifier: Classifier) -> None:
    with pytest.raises(DeadlineExceeded):
        classifier.classify([b"not even opened"], time.monotonic())


def test_request_that_waits_to_decode_a_large_image_gives_up_with_its_client(tiny: Bundle) -> None:
    """Its other images are not computed either."""
    shared = shared_by_models()
    classifier = ModelClassifier(bundle.read(tiny.path), Settings(), shared)
    large = png(2000, 2000, 8, 0, bytes(2000))
    looks = iter([False, True])
    with shared.budget.reserve(10**9, patient()), pytest.raises(ClientGone):
        classifier.classify([large, plain_image()], time.monotonic() + 60, lambda: next(looks))


def test_decoding_and_the_engine_count_as_computing(tiny: Bundle) -> None:
    marks: list[str] = []

    class Noted(InFlight):
        def computing(self) -> Any:
            marks.append("computing")
            return super().computing()

    classify(
        ModelClassifier(bundle.read(tiny.path), Settings(), shared_by_models(Noted())), plain_image(), plain_image()
    )
    assert len(marks) == 3, "two images and their batch"


def test_waiting_for_memory_does_not_count_as_computing(tiny: Bundle) -> None:
    shared = shared_by_models()
    classifier = ModelClassifier(bundle.read(tiny.path), Settings(), shared)
    with ThreadPoolExecutor(1) as pool:
        with shared.budget.reserve(10**9, patient()):
            sent = pool.submit(classify, classifier, png(2000, 2000, 8, 0, bytes(2000)))
            until(lambda: shared.budget.waiting == 1)
            assert shared.in_flight.computations() == 0
        assert len(sent.result(60)) == 1
    assert shared.in_flight.computations() == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": ("red", "green")}, "2 labels for 3 classes"),
        ({"labels": ("red", "green", "blue", "pink")}, "4 labels for 3 classes"),
    ],
)
def test_wrong_number_of_labels_is_refused(tiny: Bundle, change: dict[str, Any], reason: str) -> None:
    classifier = ModelClassifier(replace(tiny, **change), Settings())
    with pytest.raises(BundleError, match=reason):
        classifier.warm_up()
    assert not classifier.ready


def test_size_that_the_model_cannot_compute_is_one_line(tiny: Bundle) -> None:
    classifier = ModelClassifier(replace(tiny, input=replace(tiny.input, size=(10, 10))), Settings())
    reason = rf"^the model in the bundle {tiny.path} cannot compute 1 image\(s\) of 10x10 pixels: .*make it again"
    with pytest.raises(BundleError, match=reason) as caught:
        classifier.warm_up()
    assert "\n" not in str(caught.value)
    assert not classifier.ready


def test_unknown_interpolation_is_refused(tiny: Bundle) -> None:
    classifier = ModelClassifier(replace(tiny, input=replace(tiny.input, interpolation="magic")), Settings())
    with pytest.raises(BundleError, match="cannot be resized with 'magic'"):
        classifier.warm_up()


def test_absent_bundle_is_never_replaced_by_another(tiny: Bundle, tmp_path: Path) -> None:
    (tmp_path / "other").symlink_to(tiny.path)
    with pytest.raises(BundleError, match="microsoft--resnet-50"):
        load(Settings(models_dir=tmp_path))


@pytest.mark.parametrize(
    ("logits", "ids", "scores"),
    [
        ([0, 0, 0], [0, 1, 2], [1 / 3, 1 / 3, 1 / 3]),
        ([1, 3, 2], [1, 2, 0], [0.6652, 0.2447, 0.0900]),
        ([1000, 0, -1000], [0, 1, 2], [1, 0, 0]),
        ([-1000, -1000, -999], [2, 0, 1], [0.5761, 0.2119, 0.2119]),
        ([3e38, -3e38, 3e38], [0, 2, 1], [0.5, 0.5, 0]),
    ],
)
def test_logits_become_probabilities(logits: list[float], ids: list[int], scores: list[float]) -> None:
    with np.errstate(all="raise", under="ignore"):
        found = Result(("a", "b", "c"), np.array(logits, np.float32)).top(3)
    assert [prediction.class_id for prediction in found] == ids
    assert [prediction.label for prediction in found] == ["abc"[index] for index in ids]
    assert [prediction.score for prediction in found] == pytest.approx(scores, abs=1e-4)
    assert all(type(prediction.score) is float and type(prediction.class_id) is int for prediction in found)


def test_several_devices_are_replicas(tiny: Bundle) -> None:
    classifier = ModelClassifier(bundle.read(tiny.path), Settings(engine="torch", device=("cpu", "cpu"), max_batch=4))
    classifier.warm_up()
    answer = classifier.classify([plain_image()] * 9, time.monotonic() + 60)
    assert len(answer.outcomes) == 9
