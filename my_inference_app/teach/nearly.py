"""Finds photos that are nearly the same: taken one after the other, or saved again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .cache import Seen

Pair = tuple[int, int]

_MOST_DIFFERENT = 6.0
"""Grey levels, on average of all places of the thumbnails."""
_ROWS = 256


def pairs(seen: Sequence[Seen]) -> list[Pair]:
    """The numbers of each two photos that are nearly the same."""
    rows = np.stack([one.thumbnail.ravel() for one in seen]).astype(np.float32)
    found: list[Pair] = []
    squares = (rows**2).sum(1)
    for start in range(0, len(rows), _ROWS):
        block = rows[start : start + _ROWS]
        distances = squares[start : start + _ROWS, None] + squares - 2 * block @ rows.T
        near = np.argwhere(distances <= _MOST_DIFFERENT**2 * rows.shape[1])
        found += [(start + int(first), int(second)) for first, second in near if start + first < second]
    return found


def groups(count: int, near: Sequence[Pair]) -> NDArray[np.intp]:
    """A number for each photo; those that are nearly the same, perhaps through others, have the same one."""
    numbers = np.arange(count)
    for first, second in near:
        numbers[numbers == numbers[second]] = numbers[first]
    return numbers
