"""A source's module to the files of a bundle."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import openvino as ov
import torch

from .loaded_model import LoadedModel


class FromPixels(torch.nn.Module):
    """Takes N x height x width x 3 bytes: normalisation is part of the graph."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, source: LoadedModel) -> None:
        super().__init__()
        self.module = source.module
        self.arrange = source.arrange
        self.register_buffer("mean", torch.tensor(source.input.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(source.input.std).view(1, 3, 1, 1))

    def prepare(self, pictures: torch.Tensor) -> torch.Tensor:
        # Whatever the weights are: a server may load them as bf16.
        pixels = pictures.permute(0, 3, 1, 2).type_as(self.mean)
        prepared: torch.Tensor = self.arrange((pixels - self.mean) / self.std)
        return prepared

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.module(self.prepare(pictures))
        return logits


def trace(source: LoadedModel) -> torch.jit.ScriptModule:
    example = torch.zeros(2, *source.input.size, 3, dtype=torch.uint8)
    with torch.inference_mode(), warnings.catch_warnings(), _plain_pools(source):
        warnings.simplefilter("ignore")  # tracing warns of every branch on a shape; the agreement check decides
        traced: torch.jit.ScriptModule = torch.jit.trace(  # type: ignore[no-untyped-call]
            FromPixels(source).eval(), example, check_trace=False
        )
    return traced


@contextmanager
def _plain_pools(source: LoadedModel) -> Iterator[None]:
    """Lets pools larger than the picture, as EfficientNet ends in, say what they do: OpenVINO has no such pools."""
    pools = [
        (parent, name, pool)
        for parent in source.module.modules()
        for name, pool in parent.named_children()
        if isinstance(pool, torch.nn.AvgPool2d)
        and isinstance(pool.kernel_size, int)
        and pool.kernel_size > max(source.input.size)
    ]
    for parent, name, _ in pools:
        setattr(parent, name, torch.nn.AdaptiveAvgPool2d(1))
    try:
        yield
    finally:
        for parent, name, pool in pools:
            setattr(parent, name, pool)


def save_openvino(traced: torch.jit.ScriptModule, source: LoadedModel, folder: Path) -> None:
    shape = ov.PartialShape([-1, *source.input.size, 3])
    example = torch.zeros(2, *source.input.size, 3, dtype=torch.uint8)
    model = ov.convert_model(traced, example_input=example, input=[(shape, ov.Type.u8)])
    ov.save_model(model, folder / "model.xml", compress_to_fp16=True)


def save_torch(traced: torch.jit.ScriptModule, folder: Path) -> None:
    traced.save(str(folder / "model.pt"))
