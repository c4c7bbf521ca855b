"""What every source of weights yields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import openvino as ov
import torch
from PIL import Image

from ..bundles.bundle import InputSpec
from ..engines.base import EXPORTED

Transform = Callable[[Image.Image], torch.Tensor]


@dataclass(frozen=True)
class LoadedModel:
    name: str
    module: torch.nn.Module
    """Maps N x 3 x height x width floats, as `preprocess` makes them, to logits."""
    labels: tuple[str, ...]
    input: InputSpec
    preprocess: Transform
    """The model's own preparation of an image, which the project's is checked against."""
    origin: dict[str, Any]
    license: str | None = None
    arrange: torch.nn.Module = field(default_factory=torch.nn.Identity)
    """The part of the preparation that `input` cannot express; it becomes part of the graph."""
    graph: ov.Model | None = None
    """A model that came as a graph for OpenVINO, from pixels to logits: its `module` cannot be traced."""

    @property
    def engines(self) -> tuple[str, ...]:
        """Those that its bundle can have files for."""
        return ("openvino",) if self.graph else tuple(EXPORTED)

    @property
    def weight_bytes(self) -> int:
        """The size of all weights in float32."""
        if self.graph:
            constants = (node for node in self.graph.get_ops() if node.get_type_name() == "Constant")
            return sum(node.get_byte_size() for node in constants)
        numbers: int = sum(tensor.numel() for tensor in self.module.state_dict().values())
        return 4 * numbers
