"""torchvision's own preparation of images, for a specification."""

from __future__ import annotations

import torch

from ..bundles.bundle import InputSpec
from .loaded_model import Transform
from .torchvision_cpu import torchvision


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
