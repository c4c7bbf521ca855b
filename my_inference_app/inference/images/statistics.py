"""What an image is like whatever it shows: how strong its edges are at every scale, and how its colours spread.

Photos of the same kind of camera and subject agree in this far more than noise, drawings, pages or blurred photos do.
It needs no part of the model, so it is the same for every engine and network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Statistics = NDArray[np.float32]

_LEVELS = 5
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32) / 255
_LEAST = 1e-3
"""Below the rounding of bytes: the logarithm of less says nothing."""


def statistics(image: Image) -> Statistics:
    """Of a prepared image, height x width x 3. The size of the image decides how many numbers these are."""
    values = _of_colours(image)
    level = _luminance(image)
    for _ in range(_LEVELS):
        if min(level.shape) < 2:
            break
        values += _of_level(level)
        level = _halved(level)
    return np.array(values, np.float32)


def _luminance(image: Image) -> NDArray[np.float32]:
    flat = np.dot(image.reshape(-1, 3).astype(np.float32), _LUMINANCE)
    luminance: NDArray[np.float32] = flat.reshape(image.shape[:2])
    return luminance


def _of_colours(image: Image) -> list[float]:
    """Of a sixteenth of the pixels, which is plenty."""
    channels = np.ascontiguousarray(image[::4, ::4].reshape(-1, 3).T, np.float32) / 255
    return [*map(float, channels.mean(axis=1)), *map(_logarithm, channels.std(axis=1))]


def _of_level(level: NDArray[np.float32]) -> list[float]:
    """The means of edges differ: a few strong edges raise the third, and lower the fourth."""
    corner = level[:-1, :-1]
    across, down = np.abs(level[:-1, 1:] - corner), np.abs(level[1:, :-1] - corner)
    squares = (_dot(across) + _dot(down)) / across.size
    roots = np.sqrt(across + down).mean()
    return [
        _logarithm(across.mean()),
        _logarithm(down.mean()),
        _logarithm(np.sqrt(squares)),
        _logarithm(np.square(roots)),
        _logarithm(level.std()),
    ]


def _dot(values: NDArray[np.float32]) -> float:
    """The sum of squares, without an array of them."""
    return float(np.vdot(values, values))


def _halved(level: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = (length // 2 * 2 for length in level.shape)
    rows = level[0:height:2, :width] + level[1:height:2, :width]
    return (rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25)


def _logarithm(value: float) -> float:
    return float(np.log(value + _LEAST))
