"""Whether what will be served answers as the original model does."""

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
from ..inference.classifier import softmax
from ..inference.images.decode import decode
from ..settings import PROJECT, Settings
from .convert import FromPixels
from .loaded_model import LoadedModel

MOST_TOP1_DIFFERENCE = 0.02
# Two classes this close (as a ratio) may change places among the top five: arithmetic in bf16 does not tell them apart.
_TIE = 0.95

# How far apart, in pixels, our preparation and the model's own may be: some libraries round the middle of a picture up,
# some down, which makes two thirds of a pixel at most.
_MOST_SHIFT = 1.0
_TEST_SIZES = ((640, 480), (480, 640))

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    pictures: int
    top5_same: int
    top1_difference: float
    """The largest difference between the probabilities of the original's best class."""

    @property
    def holds(self) -> bool:
        return self.top5_same == self.pictures and self.top1_difference <= MOST_TOP1_DIFFERENCE

    def figures(self) -> dict[str, Any]:
        return {**asdict(self), "top1_difference": round(self.top1_difference, 5)}


def sample_pictures() -> list[bytes]:
    paths = sorted((PROJECT / "post_request").glob("*.[jp][pn]g"))
    if not paths:
        raise SourceError("there are no sample pictures in post_request/ to check the model on")
    return [path.read_bytes() for path in paths]


def check_preparation(source: LoadedModel) -> None:
    """Whether we prepare pictures as the model's own code does.

    A model may give the same answer to sample pictures all the same, so this looks at the pixels themselves: of slopes,
    whose values say from where in the picture a pixel is, and of which colour.
    """
    for width, height in _TEST_SIZES:
        across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
        picture = Image.fromarray(np.stack([across, down, 255 - across], axis=-1).round().astype(np.uint8))
        file = io.BytesIO()
        picture.save(file, "PNG")
        pixels = torch.from_numpy(decode(file.getvalue(), source.input, max_pixels=width * height).copy())
        want, got = source.preprocess(picture)[None], FromPixels(source).prepare(pixels[None])
        if want.shape != got.shape or not _shift(want, got, source) <= _MOST_SHIFT:  # so that NaN is refused too
            raise SourceError(f"{source.name} cannot be served: its own code prepares pictures in a way unknown here")


def _shift(want: torch.Tensor, got: torch.Tensor, source: LoadedModel) -> float:
    """How far apart two slopes are, in pixels."""
    levels = (want - got).abs().mean(dim=(0, 2, 3)) * torch.tensor(source.input.std)
    return float(levels.mean()) * min(source.input.size) / 255


def original_scores(source: LoadedModel, samples: Sequence[bytes]) -> Scores:
    """The original model, in torch, on pictures as its own preprocessing prepares them."""
    pictures = [Image.open(io.BytesIO(data)).convert("RGB") for data in samples]
    with torch.inference_mode():
        rows = [source.module(source.preprocess(picture)[None].float())[0] for picture in pictures]
    return softmax(torch.stack(rows).numpy())


def measure(engine: Engine, source: LoadedModel, samples: Sequence[bytes], expected: Scores) -> Agreement:
    pictures = np.stack([decode(data, source.input, max_pixels=Settings.max_pixels) for data in samples])
    together = softmax(engine(pictures))
    one_by_one = softmax(np.concatenate([engine(picture[None]) for picture in pictures]))
    return Agreement(
        pictures=len(samples),
        top5_same=sum(
            _same_top5(want, got) and _same_top5(want, alone)
            for want, got, alone in zip(expected, together, one_by_one, strict=True)
        ),
        top1_difference=max(_top1_difference(expected, together), _top1_difference(expected, one_by_one)),
    )


def _same_top5(want: Scores, got: Scores) -> bool:
    """The same five classes, but for ties at the end of the five."""
    five = min(5, len(want))
    best, found = np.argsort(-want)[:five], np.argsort(-got)[:five]
    bar = want[best[-1]] * _TIE
    return all(want[index] >= bar for index in found)


def _top1_difference(want: Scores, got: Scores) -> float:
    rows = np.arange(len(want))
    best = want.argmax(axis=1)
    return float(np.abs(want[rows, best] - got[rows, best]).max())
