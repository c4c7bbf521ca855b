"""What a classifier answers: for each image its result or an error, and how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundles.doubt import UNFAMILIAR, Doubt
from ..bundles.head import Head
from ..errors import ServiceError
from .images.geometry import Box
from .images.statistics import Statistics


@dataclass(frozen=True)
class Prediction:
    label: str
    score: float
    class_id: int


@dataclass(frozen=True)
class Timings:
    """Milliseconds."""

    decode: float = 0.0
    queue: float = 0.0
    infer: float = 0.0


class Detail(IntEnum):
    """How much a result holds."""

    LOGITS = 0
    IMAGE = 1
    """The image as the model sees it, too."""
    FEATURES = 2
    """And its last feature map."""


@dataclass(frozen=True)
class FeatureMap:
    values: NDArray[np.float32]
    """Height x width x channels."""
    head: Head


@dataclass(frozen=True)
class Seen:
    """What the model saw of an image."""

    pixels: NDArray[np.uint8]
    box: Box
    """That part of the image as it is shown, in its own pixels: left, top, right, bottom."""
    features: FeatureMap | None = None


@dataclass(frozen=True)
class Doubts:
    """How far an answer can be relied on."""

    labels: Sequence[str]
    """All that must be considered, the most probable first."""
    familiar: float
    """The share of the calibration photos that were as unusual as this image."""

    @property
    def is_familiar(self) -> bool:
        return self.familiar >= UNFAMILIAR

    @property
    def certain(self) -> bool:
        return self.is_familiar and len(self.labels) == 1

    @property
    def kind(self) -> str:
        """As metrics and names of files call it."""
        return "unfamiliar" if not self.is_familiar else "none" if self.certain else "uncertain"


@dataclass(frozen=True)
class Result:
    """What was computed of one image."""

    labels: Sequence[str]
    logits: NDArray[np.float32]
    seen: Seen | None = field(default=None, kw_only=True)
    age: float | None = field(default=None, kw_only=True)
    """Seconds since it was computed, if it comes from the cache."""
    doubt: Doubt | None = field(default=None, kw_only=True)
    """If the bundle is calibrated."""
    statistics: Statistics | None = field(default=None, kw_only=True)
    """Of the image, if the bundle is calibrated."""

    @property
    def probabilities(self) -> NDArray[np.float64]:
        return softmax(self.logits / self.doubt.temperature if self.doubt else self.logits)

    def doubts(self, coverage: float | None = None) -> Doubts | None:
        """None if the bundle is not calibrated. ValueError if it was calibrated with too few photos to say."""
        return self._usual_doubts if coverage is None else self._doubts(coverage)

    @cached_property
    def _usual_doubts(self) -> Doubts | None:
        """Counted, and then shown."""
        return self._doubts(self.doubt.coverage) if self.doubt else None

    def _doubts(self, coverage: float) -> Doubts | None:
        if self.doubt is None or self.statistics is None:
            return None
        most = self.doubt.most_mass(coverage)
        scores = self.probabilities
        best = np.argsort(-scores, kind="stable")
        before = np.cumsum(scores[best]) - scores[best]
        considered = best[: max(1, int(np.searchsorted(before, most, side="right")))]
        familiar = self.doubt.familiarity.of(self.statistics, self.logits)
        return Doubts([self.labels[class_id] for class_id in considered], familiar)

    def top(self, k: int) -> list[Prediction]:
        return top_predictions(self.probabilities, self.labels, k)


@dataclass(frozen=True)
class Answer:
    """For each image its result, or why there is none."""

    outcomes: Sequence[Result | ServiceError]
    timings: Timings = Timings()
    batch: int = 0
    """The size of the largest batch that one of the images was computed in."""

    @property
    def age(self) -> float | None:
        """The age of its oldest result, if all come from the cache."""
        ages = [outcome.age for outcome in self.outcomes if isinstance(outcome, Result) and outcome.age is not None]
        return max(ages) if ages and len(ages) == len(self.outcomes) else None


def softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Probabilities from the logits of one image, or row by row of many."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    scores: NDArray[np.float64] = shifted / shifted.sum(axis=-1, keepdims=True)
    return scores


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """The probability of each class by itself."""
    found: NDArray[np.float64] = np.exp(-np.logaddexp(0.0, -logits.astype(np.float64)))
    return found


def top_predictions(scores: NDArray[np.float64], labels: Sequence[str], k: int) -> list[Prediction]:
    """The classes with the highest scores, best first, and equal ones by their number."""
    # Sorting all scores takes much longer.
    last = np.partition(scores, -k)[-k] if k < len(scores) else -np.inf
    candidates = np.flatnonzero(~(scores < last))
    best = candidates[np.argsort(-scores[candidates], kind="stable")[:k]]
    return [Prediction(labels[i], float(scores[i]), int(i)) for i in best]
