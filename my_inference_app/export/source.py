"""What every source of weights yields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

from ..bundle import InputSpec


@dataclass(frozen=True)
class Source:
    name: str
    module: torch.nn.Module
    """Takes normalised N x 3 x height x width floats, gives logits."""
    labels: tuple[str, ...]
    input: InputSpec
    preprocess: Callable[[Image.Image], torch.Tensor]
    """The model's own preparation of a picture, which ours is checked against."""
    origin: dict[str, Any]
    license: str | None = None
