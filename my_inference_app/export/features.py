"""Finds the last feature map of a network that ends in global pooling and one linear layer.

The network computes the sample images once, and every call of a torch function in it is looked at. The linear layer is
the call that returns the logits. The map is the last tensor whose mean over all places is what that layer, or a layer
norm before it, takes. So numbers decide, not the names of modules: it works for all families alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from ..bundles.bundle import FeatureSpec
from ..bundles.head import Floats, Head, Norm

_CLOSE = 1e-4
"""How far apart two equal tensors may be, as a share of the largest value: random networks have tiny ones."""
_POOLED_OVER = {"nchw": (2, 3), "nhwc": (1, 2), "ncl": (2,), "nlc": (1,)}


@dataclass(frozen=True)
class Features:
    """Where in the network the map is, and the layers that follow it."""

    call: int
    """How many maps the network computes before."""
    order: str
    """Of its dimensions; l are the places of a map, row by row."""
    spec: FeatureSpec
    weight: torch.Tensor
    bias: torch.Tensor | None
    norm: _Norm | None

    def arrange(self, found: torch.Tensor) -> torch.Tensor:
        """The map as N x height x width x channels."""
        if self.order in ("nchw", "ncl"):
            found = found.movedim(1, -1)
        return found.reshape(-1, *self.spec.size, self.spec.channels) if "l" in self.order else found

    def head(self) -> Head:
        bias = torch.zeros(len(self.weight)) if self.bias is None else self.bias
        norm = None
        if self.norm:
            norm = Norm(_array(self.norm.scale), _array(self.norm.shift), self.norm.epsilon)
        return Head(_array(self.weight), _array(bias), norm)

    @contextmanager
    def rounded(self) -> Iterator[None]:
        """Gives the head's weights the float16 values that files have, while the network is converted."""
        norm = [self.norm.scale, self.norm.shift] if self.norm else []
        weights = [tensor for tensor in (self.weight, self.bias, *norm) if tensor is not None]
        with torch.no_grad():
            kept = [tensor.clone() for tensor in weights]
            for tensor in weights:
                tensor.copy_(tensor.half())
            try:
                yield
            finally:
                for tensor, original in zip(weights, kept, strict=True):
                    tensor.copy_(original)


@dataclass(frozen=True)
class _Norm:
    taken: torch.Tensor
    returned: torch.Tensor
    scale: torch.Tensor
    shift: torch.Tensor
    epsilon: float


@dataclass(frozen=True)
class _Linear:
    taken: torch.Tensor
    returned: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor | None


class Maps(TorchFunctionMode):
    """Passes each map that is computed meanwhile, with its number, to `see`.

    Only tensors that can be maps are counted: while a network is traced, its integers are tensors too.
    """

    def __init__(self, see: Callable[[int, torch.Tensor], None]) -> None:
        super().__init__()
        self._see = see
        self._count = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.is_floating_point() and result.ndim in (3, 4):
            self._see(self._count, result)
            self._count += 1
        return result


class _Layers(TorchFunctionMode):
    """Keeps the linear layers, and the layer norms of single vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.linear: list[_Linear] = []
        self.norms: list[_Norm] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is torch.nn.functional.linear and result.ndim == 2:
            taken, weight, bias = _arguments(("input", "weight", "bias"), args, kwargs)
            self.linear.append(_Linear(taken, result, weight, bias))
        elif func is torch.nn.functional.layer_norm and result.numel() == len(result) * result.shape[-1]:
            names = ("input", "normalized_shape", "weight", "bias", "eps")
            taken, shape, scale, shift, epsilon = _arguments(names, args, kwargs)
            if len(shape) == 1 and scale is not None and shift is not None:
                norm = _Norm(taken.flatten(1), result.flatten(1), scale, shift, 1e-5 if epsilon is None else epsilon)
                self.norms.append(norm)
        return result


def _arguments(names: Sequence[str], args: Sequence[Any], kwargs: dict[str, Any] | None) -> list[Any]:
    given = dict(zip(names, args, strict=False)) | (kwargs or {})
    return [given.get(name) for name in names]


def find(module: torch.nn.Module, images: torch.Tensor) -> Features | None:
    """None if the network does not end that way. The images are prepared."""
    layers = _Layers()
    with torch.inference_mode(), layers:
        logits = module(images)
    last = next((layer for layer in reversed(layers.linear) if _equal(layer.returned, logits)), None)
    if last is None:
        return None
    norm = next((norm for norm in reversed(layers.norms) if _equal(norm.returned, last.taken)), None)
    pooled = norm.taken if norm else last.taken
    maps: list[tuple[int, str, FeatureSpec]] = []

    def see(number: int, tensor: torch.Tensor) -> None:
        for order, over in _POOLED_OVER.items():
            if len(order) == tensor.ndim and _equal(tensor.mean(over), pooled):
                size = _size([tensor.shape[axis] for axis in over], images.shape[2] / images.shape[3])
                if size:
                    maps.append((number, order, FeatureSpec(size, pooled.shape[1])))

    with torch.inference_mode(), Maps(see):
        module(images)
    return Features(*maps[-1], last.weight, last.bias, norm) if maps else None


def _size(places: list[int], aspect: float) -> tuple[int, int] | None:
    """Height and width of a map of these places, None if it has only one, or if they are no rectangle."""
    if len(places) == 1:
        height = max(1, round((places[0] * aspect) ** 0.5))
        places = [height, places[0] // height] if places[0] % height == 0 else [1, 1]
    return (places[0], places[1]) if places[0] * places[1] > 1 else None


def _equal(first: torch.Tensor, second: torch.Tensor) -> bool:
    return first.shape == second.shape and bool((first - second).abs().max() <= _CLOSE * second.abs().max())


def _array(tensor: torch.Tensor) -> Floats:
    array: Floats = tensor.detach().float().numpy().copy()
    return array
