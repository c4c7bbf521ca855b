"""How good a head would be: each photo is classified by heads that have not seen it, nor a near copy of it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from ..bundles.head import Head
from .head import STRENGTHS, USUAL_STRENGTH, ClassIds, Matrix, fit, space_of

_FOLDS = 5
_MOST_REPEATS = 10
_WORK = 2000
"""Photos times repeats: with many photos, one division into folds says enough."""
_SHARPNESS = np.geomspace(2, 128, 37)


@dataclass(frozen=True)
class CrossValidation:
    logits: Matrix
    """Repeats x photos x classes, each row from a head that has not seen the photo."""
    class_ids: ClassIds
    """The right answers."""
    strength: float
    """The best of STRENGTHS."""
    sharpness: float
    """Turns the shares that ridge regression gives into logits, of which softmax makes probabilities."""


def cross_validate(features: Matrix, class_ids: ClassIds, parent: Head, groups: ClassIds) -> CrossValidation:
    """`groups` has one number for all photos that are nearly the same."""
    classes = int(class_ids.max()) + 1
    repeats = max(1, min(_MOST_REPEATS, _WORK // len(features)))
    view = space_of(features, parent).view(features)
    shares = {strength: np.zeros((repeats, len(features), classes)) for strength in STRENGTHS}
    for repeat in range(repeats):
        for train, test in _folds(class_ids, groups, repeat):
            for strength, rows in shares.items():
                weight, bias = fit(view[train], class_ids[train], classes, strength)
                rows[repeat, test] = view[test] @ weight.T + bias
    sharpness = {strength: _sharpness(rows, class_ids) for strength, rows in shares.items()}
    logits = {strength: rows * sharpness[strength] for strength, rows in shares.items()}
    strength = _best({strength: _log_loss(rows, class_ids) for strength, rows in logits.items()})
    return CrossValidation(logits[strength], class_ids, strength, sharpness[strength])


def _folds(class_ids: ClassIds, groups: ClassIds, repeat: int) -> list[tuple[ClassIds, ClassIds]]:
    folds = min(_FOLDS, int(np.bincount(class_ids).max()))
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=repeat)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class with fewer photos than there are folds is nothing unusual here
        return list(splitter.split(class_ids, class_ids, groups))


def _sharpness(shares: Matrix, class_ids: ClassIds) -> float:
    losses = [_log_loss(shares * sharpness, class_ids).mean() for sharpness in _SHARPNESS]
    return float(_SHARPNESS[int(np.argmin(losses))])


def _best(losses: dict[float, Matrix]) -> float:
    """The usual strength, unless another is better by more than chance: with few photos, differences are chance."""
    found = min(losses, key=lambda strength: float(losses[strength].mean()))
    gains = losses[USUAL_STRENGTH] - losses[found]
    return found if gains.mean() > gains.std() / np.sqrt(len(gains)) else USUAL_STRENGTH


def _log_loss(logits: Matrix, class_ids: ClassIds) -> Matrix:
    """Of each photo."""
    right = logits[:, np.arange(len(class_ids)), class_ids]
    losses: Matrix = (np.logaddexp.reduce(logits, axis=-1) - right).mean(0)
    return losses
