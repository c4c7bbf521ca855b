"""How sure an answer is, in words. static/confidence.js says the same with JavaScript."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..inference.answers import Doubts, Prediction

_UNSURE, _HARDLY = 0.5, 0.25
_NOTHING = 0.0005
_MOST_NAMED = 3


@dataclass(frozen=True)
class Confidence:
    level: str = "sure"
    hedge: str = ""
    note: str = ""


def of(predictions: Sequence[Prediction], doubts: Doubts | None = None) -> Confidence:
    best = predictions[0].score
    hedge = "Not sure. Perhaps" if best < _HARDLY else "Perhaps"
    if doubts and not doubts.is_familiar:
        note = "The photos that the model was calibrated with look different: do not rely on this answer."
        return Confidence("unfamiliar", "An unfamiliar image. Perhaps", note)
    if doubts and len(doubts.labels) > 1:
        return Confidence("unsure", hedge, _alternatives(doubts.labels[1:]))
    if best >= _UNSURE:
        return Confidence()
    return Confidence("unsure", hedge, f"The best guess has only {percent(best)}: look at the others too.")


def _alternatives(labels: Sequence[str]) -> str:
    """The first name of each label: some have several, separated by commas."""
    names = [label.partition(",")[0] for label in labels[:_MOST_NAMED]]
    if further := len(labels) - len(names):
        names.append(f"one of {further} more")
    return f"It could also be {' or '.join(filter(None, [', '.join(names[:-1]), names[-1]]))}."


def rest(predictions: Sequence[Prediction]) -> str:
    left = 1 - sum(prediction.score for prediction in predictions)
    return f"All other labels together: {percent(left)}" if left >= _NOTHING else ""


def percent(score: float) -> str:
    return f"{score * 100:.1f} %"
