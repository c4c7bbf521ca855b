"""Reads from a hub model's image processor how the model wants its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

from ..bundles.bundle import InputSpec
from ..errors import SourceError
from ..inference.images.decode import INTERPOLATIONS
from .input_options import make_spec
from .loaded_model import Transform

Size = tuple[int, int]


@dataclass(frozen=True)
class Preparation:
    spec: InputSpec
    own: Transform
    """The preparation by the model's image processor."""
    arrange: torch.nn.Module


class Arrange(torch.nn.Module):
    """Steps of some processors that a specification cannot express: a crop of a squeezed image, and BGR."""

    def __init__(self, crop: Size | None, flip: bool) -> None:
        super().__init__()
        self.crop, self.flip = crop, flip

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        if self.crop:
            (height, width), (crop_h, crop_w) = pixels.shape[-2:], self.crop
            top, left = (int(height) - crop_h) // 2, (int(width) - crop_w) // 2
            pixels = pixels[..., top : top + crop_h, left : left + crop_w]
        return pixels.flip(1) if self.flip else pixels


def read_processor(processor: Any) -> Preparation:
    def own(image: Image.Image) -> torch.Tensor:
        return torch.as_tensor(processor(images=image, return_tensors="pt")["pixel_values"][0])

    try:
        mean, std, flip = _colours(own)
        size, shortest_edge, crop = _geometry(processor)
        spec = make_spec(size, shortest_edge, _interpolation(processor), mean, std)
    except SourceError:
        raise
    except Exception:  # a processor of another kind, without these settings or with other results
        raise SourceError("it does not just resize, crop and normalise an image") from None
    return Preparation(spec, own, Arrange(crop, flip))


def _colours(own: Transform) -> tuple[tuple[float, ...], tuple[float, ...], bool]:
    """Mean and standard deviation, in RGB, and whether the model wants BGR.

    Measured with images of one colour, because processors differ in which settings count, in which order and how often.
    """
    black, white, red = (_seen(own, colour) for colour in ("black", "white", "red"))
    span = white - black
    primary = ((red - black) / span).round(decimals=3).abs().tolist()
    if primary not in ([1, 0, 0], [0, 0, 1]):
        raise SourceError("its colours are not RGB or BGR")
    flip = primary == [0, 0, 1]
    if flip:
        black, span = black.flip(0), span.flip(0)
    return tuple((-black / span + 0.0).tolist()), tuple((1 / span).tolist()), flip


def _seen(own: Transform, colour: str) -> torch.Tensor:
    channels, height, width = (pixels := own(Image.new("RGB", (320, 240), colour))).shape
    return pixels.double().reshape(channels, height * width).mean(1)


def _geometry(processor: Any) -> tuple[Size, int | None, Size | None]:
    """The size that serving prepares, the length of the shorter side before that, and the crop inside the graph."""
    kind, size = type(processor).__name__, _as_dict(processor.size)
    edge, percentage = size.get("shortest_edge"), getattr(processor, "crop_pct", None)
    if not processor.do_resize:
        raise SourceError("it does not resize")
    if kind.startswith("ConvNext") and edge and percentage:  # its `size` is the one after the crop
        return (edge, edge), int(edge / percentage) if edge < 384 else None, None
    crop = _height_width(_as_dict(processor.crop_size)) if getattr(processor, "do_center_crop", False) else None
    if not edge:
        squeezed = _height_width(size)
        return squeezed, None, crop if crop != squeezed else None
    if not crop:
        raise SourceError("it does not bring every image to one size")
    if kind.startswith("Levit"):
        edge = int(256 / 224 * edge)
    elif percentage:
        edge = int(edge / percentage)
    return crop, edge, None


def _as_dict(size: Any) -> dict[str, int]:
    return {key: value for key, value in dict(size).items() if value is not None}


def _height_width(size: Mapping[str, int]) -> Size:
    return size["height"], size["width"]


def _interpolation(processor: Any) -> str:
    name = Image.Resampling(int(processor.resample)).name.lower()
    if name not in INTERPOLATIONS:
        raise SourceError(f"it resizes with {name!r}")
    return name
