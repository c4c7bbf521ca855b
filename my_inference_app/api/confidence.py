"""How sure an answer is, in words. static/answer.js says the same with JavaScript."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..inference.answers import Prediction

_UNSURE, _HARDLY = 0.5, 0.25
_NOTHING = 0.0005


@dataclass(frozen=True)
class Confidence:
    level: str = "sure"
    hedge: str = ""
    note: str = ""


def of(predictions: Sequence[Prediction]) -> Confidence:
    best = predictions[0].score
    if best >= _UNSURE:
        return Confidence()
    hedge = "Perhaps" if best >= _HARDLY else "Not sure. Perhaps"
    return Confidence("unsure", hedge, f"The best guess has only {percent(best)}: look at the others too.")


def rest(predictions: Sequence[Prediction]) -> str:
    left = 1 - sum(prediction.score for prediction in predictions)
    return f"All other labels together: {percent(left)}" if left >= _NOTHING else ""


def percent(score: float) -> str:
    return f"{score * 100:.1f} %"
