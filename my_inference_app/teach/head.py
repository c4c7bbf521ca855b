"""Fits the new last layer: a linear one, on the features of the parent.

Ridge regression on the features alone is good. It is better where it also sees the parent's own logits, which say what
a photo looks like in the parent's words. Both are linear in the features, so the sum folds into one layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from ..bundles.head import Floats, Head

Matrix = NDArray[np.float64]
ClassIds = NDArray[np.intp]

STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Of the regularisation; features have the length 1 on average."""
USUAL_STRENGTH = 3.0
_SHARE_OF_LOGITS = 0.9


@dataclass(frozen=True)
class Space:
    """Two views of the features, side by side: themselves, and the parent's logits."""

    logits_of: Matrix
    """Channels x logits, scaled."""
    scale: float

    def view(self, features: Matrix) -> Matrix:
        return np.concatenate([features * self.scale, features @ self.logits_of], axis=1)

    def fold(self, weight: Matrix) -> Matrix:
        """Classes x channels, from classes x the columns of a view."""
        channels = len(self.logits_of)
        folded: Matrix = weight[:, :channels] * self.scale + weight[:, channels:] @ self.logits_of.T
        return folded


def space_of(features: Matrix, parent: Head) -> Space:
    weight = (parent.weight - parent.weight.mean(0)).astype(np.float64).T
    length, length_of_logits = _length(features), _length(features @ weight)
    return Space(weight * (np.sqrt(_SHARE_OF_LOGITS) / length_of_logits), float(np.sqrt(1 - _SHARE_OF_LOGITS) / length))


def _length(rows: Matrix) -> float:
    """How far rows are from their mean."""
    return float(np.sqrt(((rows - rows.mean(0)) ** 2).sum(1).mean())) or 1.0


def fit(view: Matrix, class_ids: ClassIds, classes: int, strength: float) -> tuple[Matrix, Matrix]:
    """Weight and bias that give the share of each class; all classes count the same, however many photos they have."""
    counts = np.bincount(class_ids, minlength=classes)
    weights = len(class_ids) / (np.count_nonzero(counts) * counts[class_ids])
    ridge = Ridge(alpha=strength, solver="cholesky").fit(view, np.eye(classes)[class_ids], weights)
    return ridge.coef_, ridge.intercept_


def head_of(space: Space, weight: Matrix, bias: Matrix, sharpness: float, parent: Head) -> Head:
    """With float16 values, as in the files of a bundle."""
    return Head(_rounded(space.fold(weight) * sharpness), _rounded(bias * sharpness), parent.norm)


def _rounded(values: Matrix) -> Floats:
    return values.astype(np.float16).astype(np.float32)
