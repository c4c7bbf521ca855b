"""What every source of weights yields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from PIL import Image

from ..bundles.bundle import InputSpec

Transform = Callable[[Image.Image], torch.Tensor]


@dataclass(frozen=True)
class LoadedModel:
    name: str
    module: torch.nn.Module
    """Takes N x 3 x height x width floats as `preprocess` makes them, gives logits."""
    labels: tuple[str, ...]
    input: InputSpec
    preprocess: Transform
    """The model's own preparation of a picture, which ours is checked against."""
    origin: dict[str, Any]
    license: str | None = None
    arrange: torch.nn.Module = field(default_factory=torch.nn.Identity)
    """What is left to do to pixels that were prepared as `input` says: it becomes part of the graph."""
