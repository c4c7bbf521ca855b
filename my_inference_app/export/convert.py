"""A source's module to the files of a bundle."""

from __future__ import annotations

import warnings
from pathlib import Path

import openvino as ov
import torch

from .source import Source


class FromPixels(torch.nn.Module):
    """Takes N x height x width x 3 bytes: normalisation is part of the graph."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.module = source.module
        self.register_buffer("mean", torch.tensor(source.input.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(source.input.std).view(1, 3, 1, 1))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        pixels = pictures.permute(0, 3, 1, 2).float()
        logits: torch.Tensor = self.module((pixels - self.mean) / self.std)
        return logits


def trace(source: Source) -> torch.jit.ScriptModule:
    example = torch.zeros(2, *source.input.size, 3, dtype=torch.uint8)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of every branch on a shape; the agreement check decides
        traced: torch.jit.ScriptModule = torch.jit.trace(  # type: ignore[no-untyped-call]
            FromPixels(source).eval(), example, check_trace=False
        )
    return traced


def save_openvino(traced: torch.jit.ScriptModule, source: Source, folder: Path) -> None:
    shape = ov.PartialShape([-1, *source.input.size, 3])
    example = torch.zeros(2, *source.input.size, 3, dtype=torch.uint8)
    model = ov.convert_model(traced, example_input=example, input=[(shape, ov.Type.u8)])
    ov.save_model(model, folder / "model.xml", compress_to_fp16=True)


def save_torch(traced: torch.jit.ScriptModule, folder: Path) -> None:
    traced.save(str(folder / "model.pt"))
