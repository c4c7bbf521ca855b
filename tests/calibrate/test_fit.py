"""Temperature, sets and familiarity, on numbers whose truth is known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from my_inference_app.bundles.doubt import fewest_photos
from my_inference_app.calibrate.fit import familiarity, fit, needed
from my_inference_app.calibrate.temperature import Classes, Logits, calibration_error, temperature
from my_inference_app.errors import SourceError
from my_inference_app.inference.answers import Result, softmax

LABELS = tuple("abcdefghij")


def photos(number: int, temperature: float = 1.0, seed: int = 0) -> tuple[Logits, Classes]:
    """Logits whose softmax is right as often as it says after a division by this temperature."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (number, len(LABELS)))
    classes = np.array([random.choice(len(LABELS), p=scores) for scores in softmax(logits)])
    return logits * temperature, classes


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_temperature_of_many_photos_is_the_true_one(true: float) -> None:
    logits, classes = photos(3000, true)
    found = temperature(logits, classes)
    assert found == pytest.approx(true, rel=0.1)
    assert calibration_error(softmax(logits / found), classes) < 0.03


def test_few_photos_that_are_all_right_do_not_make_the_model_certain() -> None:
    logits = np.tile([2.0, 0.0], (20, 1))
    classes = np.zeros(20, np.int64)
    assert 0.3 < temperature(logits, classes) < 1
    assert softmax(logits / temperature(logits, classes)).max() < 0.9999


def test_error_falls_with_the_temperature() -> None:
    fitted = fit(*photos(1000, 4.0), np.zeros((1000, 3)))
    assert fitted.report["calibration_error"]["before"] > 0.2
    assert fitted.report["calibration_error"]["after"] < 0.05


@pytest.mark.parametrize("coverage", [0.7, 0.9, 0.95])
def test_sets_have_the_right_label_as_often_as_promised(coverage: float) -> None:
    logits, classes = photos(800, seed=1)
    doubt = fit(logits, classes, np.zeros((800, 3)), coverage).doubt
    fresh, right = photos(2000, seed=2)
    sets = [Result(LABELS, row, doubt=doubt, statistics=np.zeros(3, np.float32)).doubts() for row in fresh]
    covered = np.mean([found is not None and LABELS[c] in found.labels for found, c in zip(sets, right, strict=True)])
    assert coverage - 0.03 < covered < coverage + 0.04


def test_higher_coverage_never_takes_a_label_away() -> None:
    logits, classes = photos(400, seed=1)
    doubt = fit(logits, classes, np.zeros((400, 3))).doubt
    for row in photos(50, seed=2)[0]:
        result = Result(LABELS, row, doubt=doubt, statistics=np.zeros(3, np.float32))
        sets = [result.doubts(coverage) for coverage in (0.3, 0.6, 0.9, 0.99)]
        labels = [list(found.labels) for found in sets if found]
        assert all(more[: len(few)] == few for few, more in pairwise(labels))
        assert labels[0][0] == LABELS[int(row.argmax())]


@pytest.mark.parametrize(("coverage", "number"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99)])
def test_fewest_photos_are_those_of_the_guarantee(coverage: float, number: int) -> None:
    assert fewest_photos(coverage) == number


def test_too_few_photos_are_refused_with_the_number_needed() -> None:
    assert (needed(0.9), needed(0.99)) == (20, 99)
    with pytest.raises(SourceError, match=r"50 photos with a label are too few for a coverage of 0\.99: 99 are needed"):
        fit(*photos(50), np.zeros((50, 3)), 0.99)


def test_share_of_new_photos_below_a_familiarity_is_that_familiarity() -> None:
    random = np.random.default_rng(0)
    logits, statistics = random.normal(0, 1, (3000, 5)), random.normal(0, 1, (3000, 8)) * np.arange(1, 9)
    known = familiarity(logits[:300], statistics[:300])
    found = np.array([known.of(s, row) for s, row in zip(statistics[300:], logits[300:], strict=True)])
    assert np.mean(found < 0.05) == pytest.approx(0.05, abs=0.025)
    assert np.mean(found < 0.5) == pytest.approx(0.5, abs=0.08)
    assert known.of(np.full(8, 50.0), logits[0]) == pytest.approx(1 / 301)
    assert known.of(statistics[0], np.full(5, -20.0)) == pytest.approx(1 / 301)
