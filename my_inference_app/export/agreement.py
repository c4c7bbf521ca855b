"""Compares the converted model with the original: its preparation of images, and its answers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ..engines.base import Engine
from ..errors import SourceError
from ..inference.answers import softmax
from ..inference.images.decode import decode
from ..settings import PROJECT, Settings
from .convert import FromPixels
from .loaded_model import LoadedModel

MOST_TOP1_DIFFERENCE = 0.02
# Two classes this close (as a ratio) may change places among the top five: bf16 arithmetic cannot tell them apart.
_TIE = 0.95

# How far apart, in pixels, the project's preparation and the model's own may be. Some libraries round the middle of an
# image up, some down, which makes a difference of up to two thirds of a pixel.
_MOST_SHIFT = 1.0
_TEST_SIZES = ((640, 480), (480, 640))

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    images: int
    top5_same: int
    top1_difference: float
    """The largest difference between the probabilities of the original's best class."""

    @property
    def holds(self) -> bool:
        return self.top5_same == self.images and self.top1_difference <= MOST_TOP1_DIFFERENCE

    def report(self) -> dict[str, Any]:
        return {**asdict(self), "top1_difference": round(self.top1_difference, 5)}


def sample_images() -> list[bytes]:
    paths = sorted((PROJECT / "post_request").glob("*.[jp][pn]g"))
    if not paths:
        raise SourceError("there are no sample images in post_request/ to check the model with")
    return [path.read_bytes() for path in paths]


def check_preparation(model: LoadedModel) -> None:
    """Raises SourceError unless the project prepares images as the model's own code does.

    A model may give the right answers even if it does not, so this compares pixels. The test images are gradients: the
    value of a pixel says where in the image it comes from, and its channel which colour it is.
    """
    for width, height in _TEST_SIZES:
        across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
        image = Image.fromarray(np.stack([across, down, 255 - across], axis=-1).round().astype(np.uint8))
        file = io.BytesIO()
        image.save(file, "PNG")
        pixels = torch.from_numpy(decode(file.getvalue(), model.input, max_pixels=width * height).copy())
        want, got = model.preprocess(image)[None], FromPixels(model).prepare(pixels[None])
        if want.shape != got.shape or not _shift(want, got, model) <= _MOST_SHIFT:  # written so that NaN is refused
            raise SourceError(f"{model.name} cannot be served: the way its own code prepares images is not supported")


def _shift(want: torch.Tensor, got: torch.Tensor, model: LoadedModel) -> float:
    """How far apart two gradients are, in pixels."""
    levels = (want - got).abs().mean(dim=(0, 2, 3)) * torch.tensor(model.input.std)
    return float(levels.mean()) * min(model.input.size) / 255


def original_scores(model: LoadedModel, samples: Sequence[bytes]) -> Scores:
    """Probabilities that the original model gives, in torch, to images prepared by its own code."""
    images = [Image.open(io.BytesIO(data)).convert("RGB") for data in samples]
    with torch.inference_mode():
        rows = [model.module(model.preprocess(image)[None].float())[0] for image in images]
    return softmax(torch.stack(rows).numpy())


def measure(engine: Engine, model: LoadedModel, samples: Sequence[bytes], expected: Scores) -> Agreement:
    images = np.stack([decode(data, model.input, max_pixels=Settings.max_pixels) for data in samples])
    together = softmax(engine(images))
    one_by_one = softmax(np.concatenate([engine(image[None]) for image in images]))
    return Agreement(
        images=len(samples),
        top5_same=sum(
            _same_top5(want, got) and _same_top5(want, alone)
            for want, got, alone in zip(expected, together, one_by_one, strict=True)
        ),
        top1_difference=max(_top1_difference(expected, together), _top1_difference(expected, one_by_one)),
    )


def _same_top5(want: Scores, got: Scores) -> bool:
    """The same five classes, except for ties in the last place."""
    five = min(5, len(want))
    best, found = np.argsort(-want)[:five], np.argsort(-got)[:five]
    least = want[best[-1]] * _TIE
    return all(want[index] >= least for index in found)


def _top1_difference(want: Scores, got: Scores) -> float:
    rows = np.arange(len(want))
    best = want.argmax(axis=1)
    return float(np.abs(want[rows, best] - got[rows, best]).max())
