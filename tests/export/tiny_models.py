"""Models of many families, tiny and random, as folders in hub format.

Their answers must differ between images, and must not depend on noise. So batch norms are measured on real images,
convolutions smooth a little, and the head is scaled.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from tests.export.families import FAMILIES, LABELS, Family
from tests.images import SAMPLES


def save(name: str, folder: Path, **options: Any) -> Path:
    """Saves the first of several models that answers clearly; the options are those of save_pretrained."""
    family = FAMILIES[name]
    processor = family.processor()
    images = torch.stack([torch.as_tensor(processor(image)["pixel_values"][0]) for image in _images()])
    models = (_model(family, seed, images.float()) for seed in count(family.seed))
    model = next(model for model in models if _is_clear(model, images[: len(SAMPLES)].float()))
    model.save_pretrained(folder, **options)
    processor.save_pretrained(folder)
    return folder


@torch.no_grad()
def _model(family: Family, seed: int, images: torch.Tensor) -> Any:
    torch.manual_seed(seed)
    config = family.config()
    for part in (config, getattr(config, "vision_config", config)):
        part.initializer_range = 0.2  # the usual one is so small that all images look alike
    model = family.model(config)
    _calm(model)
    model.train()(pixel_values=images)
    _forget_faint_channels(model)
    _scale_head(model, model.eval()(pixel_values=images).logits)
    return model


@torch.no_grad()
def _is_clear(model: Any, samples: torch.Tensor) -> bool:
    scores = model(pixel_values=samples).logits.softmax(1)
    first, second = scores.topk(2).values.unbind(1)
    return bool((first - second).min() > 0.06 and len(scores.argmax(1).unique()) > 1)


def _images() -> Iterator[Image.Image]:
    """The sample images, and then their corners."""
    samples = [Image.open(path).convert("RGB") for path in SAMPLES]
    yield from samples
    for image in samples:
        width, height = image.size
        for left, top in ((0, 0), (0.4, 0), (0, 0.4), (0.4, 0.4)):
            yield image.crop((width * left, height * top, width * (left + 0.6), height * (top + 0.6)))


def _calm(model: torch.nn.Module) -> None:
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d) and layer.kernel_size[0] > 1:
            smooth = layer.weight.mean((2, 3), keepdim=True) * layer.kernel_size[0]
            layer.weight.copy_(smooth + 0.3 * layer.weight)
        if isinstance(layer, torch.nn.BatchNorm2d | torch.nn.BatchNorm1d):
            layer.momentum = None  # the plain mean of all batches
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0


def _forget_faint_channels(model: torch.nn.Module) -> None:
    """Keeps batch norms from amplifying channels that hardly change, and their noise."""
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d | torch.nn.BatchNorm1d) and layer.running_var is not None:
            layer.running_var.clamp_(min=layer.running_var.mean())


def _scale_head(model: torch.nn.Module, logits: torch.Tensor) -> None:
    mean = logits.mean(0)
    factor = 1 / (logits - mean).std()
    for head in model.modules():
        if isinstance(head, torch.nn.Linear) and head.out_features == len(LABELS):
            head.weight *= factor
            head.bias.copy_((head.bias - mean) * factor)
