"""What a network of unknown origin returns: one number a class, either logits or probabilities."""

from __future__ import annotations

import io

import torch
from PIL import Image

from ..bundles.bundle import InputSpec
from ..errors import SourceError, first_line
from ..progress import say
from .agreement import sample_images
from .loaded_model import Transform

LEAST_PROBABILITY = 1e-12
"""Smaller ones are set to this one, since zero has no logarithm."""
_TOLERANCE = 1e-3


class FromProbabilities(torch.nn.Module):
    """Logits of a network that ends in a softmax: their softmax gives its probabilities again."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        probabilities: torch.Tensor = self.module(pixels)
        return probabilities.clamp(min=LEAST_PROBABILITY).log()


def classes_of(name: str, module: torch.nn.Module, spec: InputSpec) -> int:
    """How many classes a network has. Raises SourceError if it is not an image classifier."""
    try:
        with torch.inference_mode():
            output = module(torch.zeros(1, 3, *spec.size))
    except Exception as error:  # whatever a network of somebody else raises
        height, width = spec.size
        raise SourceError(f"{name} cannot be run on an image of {height}x{width}: {first_line(error)}") from None
    if not isinstance(output, torch.Tensor) or output.ndim != 2 or len(output) != 1 or output.shape[1] < 2:
        found = list(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise SourceError(f"{name} is not an image classifier: for one image it returns {found}, not 1 x classes")
    return int(output.shape[1])


def gives_probabilities(name: str, module: torch.nn.Module, prepare: Transform) -> bool:
    """Whether the network ends in a softmax. Serving expects logits, and would apply another."""
    images = [Image.open(io.BytesIO(data)).convert("RGB") for data in sample_images()]
    with torch.inference_mode():
        rows = torch.cat([module(prepare(image)[None].float()) for image in images])
    found = bool((rows >= 0).all() and (rows.sum(1) - 1).abs().max() < _TOLERANCE)
    if found:
        say(f"  {name} returns probabilities: they are served as they are")
    return found
