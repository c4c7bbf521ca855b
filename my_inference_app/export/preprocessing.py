"""How torchvision's models, and models without an image processor, want their images."""

from __future__ import annotations

import torch

from ..bundles.bundle import InputSpec
from ..errors import SourceError
from .loaded_model import Transform
from .torchvision_cpu import torchvision

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def make_spec(
    size: tuple[int, int],
    shortest_edge: int | None,
    interpolation: str,
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> InputSpec:
    """`mean` and `std` in units of pixel values / 255, as published."""
    if shortest_edge is not None and max(size) > shortest_edge:
        raise SourceError(f"cannot crop {size[0]}x{size[1]} from images resized to {shortest_edge}")
    return InputSpec(
        size=size,
        shortest_edge=shortest_edge,
        interpolation=interpolation,
        # Rounded so that a bundle says 123.675 instead of 123.67499999999998.
        mean=tuple(round(255 * value, 3) for value in mean),
        std=tuple(round(255 * value, 3) for value in std),
    )


def standard_spec() -> InputSpec:
    """The input of torchvision's classic ImageNet models."""
    return make_spec((224, 224), 256, "bilinear", _MEAN, _STD)


def standard_transform(spec: InputSpec) -> Transform:
    """torchvision's own transforms for a specification."""
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
