"""Why an image got its classes: which places in it speak for a class, and the features it was classified by."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from ..errors import ExplanationUnavailable, raised
from .answers import Answer, FeatureMap, Result, Seen
from .jobs import Image

Grid = NDArray[np.float32]  # height x width
Classify = Callable[[Sequence[Image]], Answer]

OCCLUSIONS = 7
"""Rows and columns of patches that are covered in turn: 49 images are computed to explain one."""
_REACH = 1.0
"""How far a patch reaches beyond its cell, in cells: smaller patches often change nothing."""

_MOST_OPAQUE = 200
_HEAT = ((255, 236, 80), (255, 150, 0), (220, 20, 0))


def activation(result: Result, class_id: int) -> Grid:
    """The class activation map. Its mean plus the bias of the class is the logit of the class, exactly."""
    features = _features(result)
    return features.head.grid(features.values, class_id)


def embedding(result: Result, *, normalize: bool = False) -> NDArray[np.float32]:
    """The pooled features: images that look alike have similar ones."""
    features = _features(result)
    vector = features.head.embed(features.values)
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if normalize and length else vector


def seen(result: Result) -> Seen:
    """What the model saw, of a result that was computed with more detail than the logits."""
    if result.seen is None:
        raise ExplanationUnavailable("this model does not keep what it saw of an image")
    return result.seen


def _features(result: Result) -> FeatureMap:
    features = seen(result).features
    if features is None:
        raise ExplanationUnavailable("this model has no feature map to explain or embed images with")
    return features


def occlusion(result: Result, class_ids: Sequence[int], fill: Sequence[float], classify: Classify) -> list[Grid]:
    """For each class, how far its logit falls when a place is covered. An approximation, for any model.

    `fill` is the colour that covers, the one that the model's normalisation turns into zero.
    """
    covered = list(_covered(seen(result).pixels, fill))
    logits = np.stack([raised(outcome).logits for outcome in classify(covered).outcomes])
    falls = result.logits[list(class_ids)] - logits[:, list(class_ids)]
    return [fall.reshape(OCCLUSIONS, OCCLUSIONS).astype(np.float32) for fall in falls.T]


def _covered(pixels: Image, fill: Sequence[float]) -> Iterator[Image]:
    height, width = pixels.shape[:2]
    for row in range(OCCLUSIONS):
        for column in range(OCCLUSIONS):
            image = pixels.copy()
            image[_span(row, height), _span(column, width)] = np.clip(np.round(fill), 0, 255)
            yield image


def _span(cell: int, length: int) -> slice:
    side = length / OCCLUSIONS
    return slice(max(0, round((cell - _REACH / 2) * side)), round((cell + 1 + _REACH / 2) * side))


def overlay(grid: Grid, size: tuple[int, int]) -> bytes:
    """A PNG of this height and width, to be laid over the part of the image that the model saw.

    What speaks against a class is transparent, as is what says nothing. The hottest place is the most opaque.
    """
    top = float(grid.max())
    share = np.clip(grid / top, 0, 1) if top > 0 else np.zeros_like(grid)
    small = PillowImage.fromarray(share.astype(np.float32))
    large = np.asarray(small.resize((size[1], size[0]), PillowImage.Resampling.BICUBIC))
    image = PillowImage.fromarray(np.clip(np.round(large * 255), 0, 255).astype(np.uint8), "L")
    image = image.convert("P")
    image.putpalette(_palette())
    file = io.BytesIO()
    image.save(file, "PNG", transparency=bytes(level * _MOST_OPAQUE // 255 for level in range(256)))
    return file.getvalue()


def _palette() -> list[int]:
    """From yellow to red."""
    levels = np.linspace(0, 1, 256)
    stops = np.linspace(0, 1, len(_HEAT))
    channels = [np.interp(levels, stops, [colour[channel] for colour in _HEAT]) for channel in range(3)]
    return [int(value) for value in np.stack(channels, axis=-1).round().ravel()]
