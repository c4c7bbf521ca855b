"""How far an answer can be relied on, in a response: the labels to consider, and whether the image is familiar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from ..errors import BadRequest, NotCalibrated
from ..inference.answers import Doubts
from ..inference.classifier import Classifier
from .operation import Parameter

COVERAGE = Parameter(
    "coverage",
    "how often `set` has the right label, for a calibrated model: above 0 and below 1; the default is the bundle's",
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
)
_DIGITS = 6


class Doubted(TypedDict):
    """Only answers of calibrated models have these keys."""

    set: NotRequired[list[str]]
    certain: NotRequired[bool]
    familiar: NotRequired[float]


def read_coverage(values: Mapping[str, str], classifier: Classifier) -> float | None:
    """From `?coverage=0.95`; None without it."""
    text = values.get("coverage", "")
    if not text:
        return None
    try:
        coverage = float(text)
    except ValueError:
        coverage = 0.0
    if not 0 < coverage < 1:
        raise BadRequest("coverage must be a number above 0 and below 1, such as 0.95")
    doubt = classifier.description.doubt
    if doubt is None:
        raise NotCalibrated(
            f"the model {classifier.name} is not calibrated: leave coverage out, or run "
            "`python -m my_inference_app.calibrate`"
        )
    try:
        doubt.most_mass(coverage)
    except ValueError as error:
        raise BadRequest(f"a coverage of {coverage:g} is more than this model can guarantee: {error}") from None
    return coverage


def add_doubts(answered: Doubted, doubts: Doubts | None) -> None:
    """Changes nothing in the answer of a model that is not calibrated."""
    if doubts:
        answered["set"] = list(doubts.labels)
        answered["certain"] = doubts.certain
        answered["familiar"] = round(doubts.familiar, _DIGITS)
