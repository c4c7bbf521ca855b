"""Finds photos that are nearly the same: taken one after the other, or saved again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .cache import Seen

Pair = tuple[int, int]

_MOST_DIFFERENT = 6.0
"""Grey levels, on average of all places of the thumbnails."""
_MOST_COPIES = 3
"""So many photos may be taken one after the other, even if the class has hardly more."""
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


def groups(class_ids: NDArray[np.intp], near: Sequence[Pair]) -> NDArray[np.intp]:
    """A number for each photo; photos of a class that are nearly the same, perhaps through others, have the same one.

    If most photos of a class are, they come from a camera that does not move, and are not copies.
    """
    leads = list(range(len(class_ids)))

    def lead(photo: int) -> int:
        while leads[photo] != photo:
            leads[photo] = photo = leads[leads[photo]]
        return photo

    for first, second in near:
        if class_ids[first] == class_ids[second]:
            leads[lead(second)] = lead(first)
    numbers = np.array([lead(photo) for photo in range(len(class_ids))])
    for class_id in np.unique(class_ids):
        members = np.flatnonzero(class_ids == class_id)
        largest = np.bincount(numbers[members]).max()
        if largest == len(members) or largest > max(_MOST_COPIES, len(members) / 2):
            numbers[members] = members
    return numbers
