"""How a model wants its pictures: read from what comes with it, and as transforms to check ours against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from PIL import Image

from ..bundle import InputSpec
from ..errors import SourceError
from ..serving.images import INTERPOLATIONS
from .torchvision_cpu import torchvision

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Transform = Callable[[Image.Image], torch.Tensor]


def make_spec(
    size: tuple[int, int],
    shortest_edge: int | None,
    interpolation: str,
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> InputSpec:
    """`mean` and `std` in units of pixel values / 255, as published."""
    if shortest_edge is not None and max(size) > shortest_edge:
        raise SourceError(f"cannot cut {size[0]}x{size[1]} out of pictures resized to {shortest_edge}")
    return InputSpec(
        size=size,
        shortest_edge=shortest_edge,
        interpolation=interpolation,
        mean=tuple(255 * value for value in mean),
        std=tuple(255 * value for value in std),
    )


def standard_spec() -> InputSpec:
    """What torchvision's classic ImageNet models take."""
    return make_spec((224, 224), 256, "bilinear", _MEAN, _STD)


def standard_transform(spec: InputSpec) -> Transform:
    """A specification as torchvision's own transforms."""
    v = torchvision.transforms
    mode = v.InterpolationMode(spec.interpolation)
    steps = [v.Resize(spec.shortest_edge or spec.size, mode)]
    if spec.shortest_edge:
        steps.append(v.CenterCrop(spec.size))
    steps += [
        v.PILToTensor(),
        v.ConvertImageDtype(torch.float32),
        v.Normalize([value / 255 for value in spec.mean], [value / 255 for value in spec.std]),
    ]
    transform: Transform = v.Compose(steps)
    return transform


def from_processor(processor: Any) -> tuple[InputSpec, Transform]:
    """A specification from a hub model's image processor."""

    def preprocess(image: Image.Image) -> torch.Tensor:
        pixels: torch.Tensor = processor(images=image, return_tensors="pt")["pixel_values"][0]
        return pixels

    size, shortest_edge = _geometry(processor)
    scale = float(getattr(processor, "rescale_factor", None) or 1 / 255) if processor.do_rescale else 1.0
    mean, std = (0.0,) * 3, (1.0,) * 3
    if processor.do_normalize:
        mean, std = tuple(processor.image_mean), tuple(processor.image_std)
    spec = make_spec(
        size,
        shortest_edge,
        _interpolation(processor),
        tuple(value / scale / 255 for value in mean),
        tuple(value / scale / 255 for value in std),
    )
    return spec, preprocess


def _geometry(processor: Any) -> tuple[tuple[int, int], int | None]:
    size = _as_dict(processor.size)
    edge = size.get("shortest_edge")
    crop_pct = getattr(processor, "crop_pct", None)
    if edge and crop_pct:  # ConvNeXT's: `size` is what is left after the crop
        return ((edge, edge), int(edge / crop_pct) if edge < 384 else None)
    if getattr(processor, "do_center_crop", False):
        crop = _as_dict(processor.crop_size)
        return (crop["height"], crop["width"]), _edge_before_crop(size, crop)
    if edge:
        raise SourceError("its image processor neither crops nor resizes to one size")
    return (size["height"], size["width"]), None


def _edge_before_crop(size: Mapping[str, int], crop: Mapping[str, int]) -> int | None:
    if "shortest_edge" in size:
        return size["shortest_edge"]
    if (size["height"], size["width"]) == (crop["height"], crop["width"]):
        return None
    raise SourceError("its image processor cuts a part out of a picture it has squeezed, which is not supported")


def _as_dict(size: Any) -> dict[str, int]:
    return {key: value for key, value in dict(size).items() if value is not None}


def _interpolation(processor: Any) -> str:
    name = Image.Resampling(int(processor.resample)).name.lower()
    if name not in INTERPOLATIONS:
        raise SourceError(f"its image processor resizes with {name!r}, which is not supported")
    return name
