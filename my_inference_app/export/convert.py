"""Converts a model's torch module to the files of a bundle."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import openvino as ov
import torch

from ..inference.images.decode import decode
from ..settings import Settings
from .features import Features, Maps
from .loaded_model import LoadedModel

OUTPUTS = ("logits", "features")


class FromPixels(torch.nn.Module):
    """Maps N x height x width x 3 bytes to logits: normalisation is part of the graph."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, model: LoadedModel) -> None:
        super().__init__()
        self.module = model.module
        self.arrange = model.arrange
        self.register_buffer("mean", torch.tensor(model.input.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(model.input.std).view(1, 3, 1, 1))

    def prepare(self, images: torch.Tensor) -> torch.Tensor:
        # type_as: a server may load the weights as bf16.
        pixels = images.permute(0, 3, 1, 2).type_as(self.mean)
        prepared: torch.Tensor = self.arrange((pixels - self.mean) / self.std)
        return prepared

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.module(self.prepare(images))
        return logits


class WithFeatures(torch.nn.Module):
    """The same with a second output, the last feature map."""

    def __init__(self, model: LoadedModel, features: Features) -> None:
        super().__init__()
        self.inner = FromPixels(model)
        self.features = features

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found: list[torch.Tensor] = []

        def see(number: int, tensor: torch.Tensor) -> None:
            if number == self.features.call:
                found.append(tensor)

        prepared = self.inner.prepare(images)
        with Maps(see):
            logits = self.inner.module(prepared)
        return logits, self.features.arrange(found[0])


def prepared(model: LoadedModel, samples: Sequence[bytes]) -> torch.Tensor:
    """Images as the network takes them."""
    images = np.stack([decode(data, model.input, max_pixels=Settings.max_pixels) for data in samples])
    return FromPixels(model).prepare(torch.from_numpy(images))


def trace(model: LoadedModel, features: Features | None = None) -> torch.jit.ScriptModule:
    example = torch.zeros(2, *model.input.size, 3, dtype=torch.uint8)
    network = WithFeatures(model, features) if features else FromPixels(model)
    with torch.inference_mode(), warnings.catch_warnings(), _plain_pools(model):
        warnings.simplefilter("ignore")  # tracing warns of every branch on a shape; the comparison decides
        traced: torch.jit.ScriptModule = torch.jit.trace(  # type: ignore[no-untyped-call]
            network.eval(), example, check_trace=False
        )
    return traced


@contextmanager
def _plain_pools(model: LoadedModel) -> Iterator[None]:
    """Replaces pools larger than the image by global pools, their equal. EfficientNet has one, OpenVINO none."""
    pools = [
        (parent, name, pool)
        for parent in model.module.modules()
        for name, pool in parent.named_children()
        if isinstance(pool, torch.nn.AvgPool2d)
        and isinstance(pool.kernel_size, int)
        and pool.kernel_size > max(model.input.size)
    ]
    for parent, name, _ in pools:
        setattr(parent, name, torch.nn.AdaptiveAvgPool2d(1))
    try:
        yield
    finally:
        for parent, name, pool in pools:
            setattr(parent, name, pool)


def save_openvino(traced: torch.jit.ScriptModule, model: LoadedModel, folder: Path) -> None:
    shape = ov.PartialShape([-1, *model.input.size, 3])
    example = torch.zeros(2, *model.input.size, 3, dtype=torch.uint8)
    converted = ov.convert_model(traced, example_input=example, input=[(shape, ov.Type.u8)])
    for output, name in zip(converted.outputs, OUTPUTS, strict=False):
        output.get_tensor().set_names({name})
    save_graph(converted, folder)


def save_graph(graph: ov.Model, folder: Path) -> None:
    ov.save_model(graph, folder / "model.xml", compress_to_fp16=True)


def save_torch(traced: torch.jit.ScriptModule, folder: Path) -> None:
    traced.save(str(folder / "model.pt"))
