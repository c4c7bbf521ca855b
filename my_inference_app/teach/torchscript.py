"""Replaces the last layer in the file of the torch engine. The only module of teaching that needs torch."""

from __future__ import annotations

from pathlib import Path

from ..bundles.head import Floats, Head
from ..errors import BundleError, SetupError


def replace_last_layer(source: Path, folder: Path, old: Head, new: Head) -> None:
    """Writes model.pt into the folder. Values decide which layer is the last one, not names."""
    try:
        import torch  # takes seconds, and most bundles have no file of torch
    except ImportError:
        raise SetupError(
            f"{source} is a file of torch, which is not installed: `pip install -r requirements/export.txt`, or make "
            "the parent's bundle without it"
        ) from None

    def same(values: Floats, tensor: torch.Tensor) -> bool:
        return tensor.shape == values.shape and bool((tensor == torch.from_numpy(values)).all())

    module = torch.jit.load(str(source), map_location="cpu").eval()  # type: ignore[no-untyped-call]
    layers = [
        layer
        for layer in module.modules()
        if isinstance(getattr(layer, "weight", None), torch.Tensor) and same(old.weight, layer.weight)
    ]
    if len(layers) != 1 or getattr(layers[0], "bias", None) is None:
        raise BundleError(f"{source} has no layer that is its head: make the parent's bundle again with `make export`")
    layers[0].weight = torch.nn.Parameter(torch.from_numpy(new.weight), requires_grad=False)
    layers[0].bias = torch.nn.Parameter(torch.from_numpy(new.bias), requires_grad=False)
    module.save(str(folder / "model.pt"))
