"""The temperature: logits divided by it give probabilities that come true as often as they say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundles.doubt import Floats
from ..inference.answers import softmax

Logits = NDArray[np.floating[Any]]  # N x classes
Classes = NDArray[np.integer[Any]]

FOLDS = 5
_LOWEST, _HIGHEST = 0.05, 20.0
_STEPS = 60
_MOST_BINS = 10
_FEWEST_IN_A_BIN = 5


def temperature(logits: Logits, classes: Classes) -> float:
    """The most likely one. Without photos that is 1, so a few right answers do not make the model certain of all."""
    low, high = np.log(_LOWEST), np.log(_HIGHEST)
    for _ in range(_STEPS):  # the loss has one minimum: each step leaves a third out
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if _loss(logits, classes, left) < _loss(logits, classes, right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def _loss(logits: Logits, classes: Classes, logarithm: float) -> float:
    scaled = logits.astype(np.float64) / np.exp(logarithm)
    right = scaled[np.arange(len(classes)), classes]
    surprise = np.logaddexp.reduce(scaled, axis=1) - right
    return float(surprise.sum() + logarithm**2 / 2)


def scores_of_others(logits: Logits, classes: Classes) -> Floats:
    """Probabilities of each photo, with the temperature that fits the other photos."""
    found = np.empty(logits.shape)
    for fold, others in folds(len(classes)):
        found[fold] = softmax(logits[fold] / temperature(logits[others], classes[others]))
    return found


def folds(photos: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """A part of the photos, and the others; the same parts each time."""
    order = np.random.default_rng(0).permutation(photos)
    for part in range(FOLDS):
        yield order[part::FOLDS], np.concatenate([order[other::FOLDS] for other in range(FOLDS) if other != part])


def bins(scores: Floats, classes: Classes) -> list[tuple[float, float, int]]:
    """Photos with similar scores of their best label: their mean score, the share that is right, and their number."""
    best = scores.max(axis=1)
    right = scores.argmax(axis=1) == classes
    number = max(1, min(_MOST_BINS, len(best) // _FEWEST_IN_A_BIN))
    parts = np.array_split(np.argsort(best, kind="stable"), number)
    return [(float(best[part].mean()), float(right[part].mean()), len(part)) for part in parts]


def calibration_error(scores: Floats, classes: Classes) -> float:
    """How far a score and the share of right answers are apart, on average."""
    return sum(abs(score - share) * number for score, share, number in bins(scores, classes)) / len(classes)
