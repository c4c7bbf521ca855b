"""What cross-validation says: how often the head will be right, on what it is wrong, and what would help."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from heapq import nsmallest
from typing import Any

import numpy as np

from .crossvalidation import CrossValidation
from .head import Matrix
from .nearly import Pair
from .photos import Photos

_Z = 1.96
"""Of a normal distribution, 95 % lie so many standard deviations around the mean."""
_MOST_LISTED = 20
_MOST_LEFT_OUT = 200
_MOST_ADVISED = 3
_MOST_CONFUSED = 5
_MOST_CLASSES = 50
"""In the table of what is taken for what."""
_WIDE = 0.2
"""An interval, from end to end."""
_FEW = 5
_LEAST_VARIANCE = 0.09
"""That of a share of 0.9: with few photos, even one of 1.0 says little."""


def assess(photos: Photos, validation: CrossValidation, near: Sequence[Pair]) -> dict[str, Any]:
    class_ids, labels = validation.class_ids, photos.labels
    predicted = validation.logits.argmax(-1)
    right = (predicted == class_ids).mean(0)
    confusion = np.zeros((len(labels), len(labels)))
    for column in range(len(labels)):
        confusion[:, column] = np.bincount(class_ids, (predicted == column).mean(0), len(labels))
    of_class = [right[class_ids == index] for index in range(len(labels))]
    found: dict[str, Any] = {
        "photos": len(photos.usable),
        **_share(right),
        "mean_of_classes": round(float(np.mean([rows.mean() for rows in of_class])), 4),
        "classes": [{"label": label, **_share(rows)} for label, rows in zip(labels, of_class, strict=True)],
        "confusion": confusion.round(1).tolist() if len(labels) <= _MOST_CLASSES else None,
        "confused": _confused(labels, confusion),
        "suspicious": _suspicious(photos, validation),
        "nearly_the_same": _nearly_the_same(photos, near),
        "left_out": [asdict(problem) for problem in photos.problems[:_MOST_LEFT_OUT]],
        "more_photos_of": _more_of(labels, confusion),
    }
    return {**found, "advice": _advice(found)}


def wilson(share: float, count: int) -> tuple[float, float]:
    """The interval in which the true share lies with 95 %, also for few photos and shares near 0 or 1."""
    middle = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    reach = _Z / (1 + _Z**2 / count) * float(np.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2)))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _share(right: Matrix) -> dict[str, Any]:
    share = float(right.mean())
    low, high = wilson(share, len(right))
    return {"photos": len(right), "accuracy": round(share, 4), "interval": [round(low, 4), round(high, 4)]}


def _suspicious(photos: Photos, validation: CrossValidation) -> list[dict[str, Any]]:
    """The photos that are taken for another class, the surest mistakes first: some may be in the wrong folder."""
    logits = validation.logits
    scores = np.exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)).mean(0)
    rows = np.arange(len(scores))
    best = scores.argmax(1)
    margin = scores[rows, best] - scores[rows, validation.class_ids]
    wrong = [index for index in np.argsort(-margin, kind="stable") if margin[index] > 0][:_MOST_LISTED]
    return [
        {
            "file": photos.usable[index].name,
            "label": photos.usable[index].label,
            "looks_like": photos.labels[best[index]],
            "score": round(float(scores[index, best[index]]), 3),
        }
        for index in wrong
    ]


def _nearly_the_same(photos: Photos, near: Sequence[Pair]) -> list[dict[str, Any]]:
    """Those of two classes first: one of them is in the wrong folder."""
    pairs = ((photos.usable[first], photos.usable[second]) for first, second in near)
    shown = nsmallest(_MOST_LISTED, pairs, key=lambda pair: pair[0].label == pair[1].label)
    return [{"files": [one.name for one in pair], "labels": [one.label for one in pair]} for pair in shown]


def _confused(labels: Sequence[str], confusion: Matrix) -> list[dict[str, Any]]:
    """What is taken for what, most often first."""
    wrong = confusion * (1 - np.eye(len(labels)))
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_CONFUSED]
    pairs = [(wrong.flat[index], labels[index // len(labels)], labels[index % len(labels)]) for index in order]
    return [
        {"label": label, "taken_for": other, "photos": round(float(count), 1)}
        for count, label, other in pairs
        if count > 0
    ]


def _more_of(labels: Sequence[str], confusion: Matrix) -> list[str]:
    """The classes that take part in most mistakes for each photo that they have."""
    right = np.diag(confusion)
    mistakes = (confusion.sum(0) - right) + (confusion.sum(1) - right)
    order = np.argsort(-mistakes / confusion.sum(1), kind="stable")
    return [labels[index] for index in order if mistakes[index] > 0][:_MOST_ADVISED]


def _advice(found: dict[str, Any]) -> list[str]:
    low, high = found["interval"]
    lines = []
    if high - low > _WIDE:
        needed = math.ceil(_Z**2 * max(found["accuracy"] * (1 - found["accuracy"]), _LEAST_VARIANCE) / (_WIDE / 2) ** 2)
        lines.append(
            f"{found['photos']} photos are too few for a sure estimate: it lies between {low:.0%} and {high:.0%}; "
            f"about {max(needed, found['photos'] + 1)} photos in all would narrow it to {_WIDE * 100:.0f} points"
        )
    if few := [entry["label"] for entry in found["classes"] if entry["photos"] < _FEW]:
        lines.append(f"fewer than {_FEW} photos: {', '.join(few)}")
    if found["more_photos_of"]:
        lines.append(f"more photos would help most in: {', '.join(found['more_photos_of'])}")
    if any(len(set(pair["labels"])) > 1 for pair in found["nearly_the_same"]):
        lines.append("photos that are nearly the same are in two classes: look at them")
    if found["suspicious"]:
        lines.append("look at the photos that are taken for another class: some may be in the wrong folder")
    return lines
