"""Engines: pictures in, logits out, behind one small contract."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..bundles.bundle import Bundle

Images = NDArray[np.uint8]  # N x height x width x 3
Logits = NDArray[np.float32]  # N x classes


class Engine(Protocol):
    def __call__(self, pictures: Images) -> Logits: ...


def load_engine(bundle: Bundle, engine: str, *, threads: int, device: str = "cpu", precision: str = "") -> Engine:
    """Loads one engine by name. Only the module of that engine is imported: torch is heavy."""
    module = {"openvino": ".openvino", "torch": ".torchscript"}[engine]
    loaded: Engine = import_module(module, __package__).load(
        bundle.file(engine), threads=threads, device=device, precision=precision
    )
    return loaded
