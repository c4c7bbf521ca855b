"""From logits and statistics of photos with known labels to what a bundle knows of its errors. Takes only arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundles.doubt import Doubt, Familiarity, Floats, distance, energy, fewest_photos, together
from ..errors import SourceError
from ..inference.answers import softmax
from .temperature import Classes, Logits, bins, calibration_error, folds, scores_of_others, temperature

COVERAGE = 0.9
"""Unless another is wanted."""
FEWEST_PHOTOS = 20
"""With fewer, no image could be more unfamiliar than one in twenty photos."""

Statistics = NDArray[np.floating[Any]]  # N x numbers


@dataclass(frozen=True)
class Fitted:
    doubt: Doubt
    report: dict[str, Any]
    """For bundle.json."""
    before: Sequence[tuple[float, float, int]]
    """Of the reliability plot: mean score, share of right answers, number of photos."""
    after: Sequence[tuple[float, float, int]]


def needed(coverage: float) -> int:
    return max(FEWEST_PHOTOS, fewest_photos(coverage))


def fit(logits: Logits, classes: Classes, statistics: Statistics, coverage: float = COVERAGE) -> Fitted:
    """The model must not have learned from these photos."""
    if len(classes) < needed(coverage):
        raise SourceError(
            f"{len(classes)} photos with a label are too few for a coverage of {coverage:g}: {needed(coverage)} are "
            "needed, and a hundred are better"
        )
    found = temperature(logits, classes)
    before, after = softmax(logits), scores_of_others(logits, classes)
    masses = np.sort(_masses(softmax(logits / found), classes))
    doubt = Doubt(round(found, 6), coverage, masses, familiarity(logits, statistics))
    report = {
        "photos": len(classes),
        "coverage": coverage,
        "temperature": doubt.temperature,
        "accuracy": round(float((logits.argmax(axis=1) == classes).mean()), 4),
        "calibration_error": {
            "before": round(calibration_error(before, classes), 4),
            "after": round(calibration_error(after, classes), 4),
        },
        "most_mass": round(doubt.most_mass(coverage), 6),
    }
    return Fitted(doubt, report, bins(before, classes), bins(after, classes))


def _masses(scores: Floats, classes: Classes) -> Floats:
    """For each photo, the probability of all labels that the model preferred to the right one."""
    right = scores[np.arange(len(classes)), classes]
    preferred: Floats = np.where(scores > right[:, None], scores, 0.0).sum(axis=1)
    return preferred


def familiarity(logits: Logits, statistics: Statistics) -> Familiarity:
    """Each photo is compared with others, and a new image with all: neither has a part in what it is compared with."""
    distances = np.stack([np.empty(len(logits)), energy(logits)], axis=1)
    for fold, others in folds(len(logits)):
        mean, whitening = _whitening(statistics[others])
        distances[fold, 0] = distance((statistics[fold] - mean) @ whitening)
    spread = np.stack([distances.mean(axis=0), np.maximum(distances.std(axis=0), 1e-6)])
    return Familiarity(*_whitening(statistics), spread, np.sort(together(distances, spread)))


def _whitening(statistics: Statistics) -> tuple[Floats, Floats]:
    """The fewer photos, the more their covariance is drawn towards independence."""
    photos, numbers = statistics.shape
    values = statistics.astype(np.float64)
    mean, deviation = values.mean(axis=0), values.std(axis=0) + 1e-6
    correlation = np.cov((values - mean) / deviation, rowvar=False, bias=True).reshape(numbers, numbers)
    share = numbers / (photos + numbers)
    shrunk = (1 - share) * correlation + share * np.eye(numbers)
    lengths, directions = np.linalg.eigh(shrunk)
    return mean, (directions / np.sqrt(lengths)) / deviation[:, None]
