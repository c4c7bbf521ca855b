"""Models of many families, tiny and random, as folders in hub format.

Their answers must mean something: they are made to differ between pictures, and not to hang on noise. For that batch
norms are measured on real pictures, convolutions smooth a little, and the head is scaled.
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
    """Makes the model, the first of several that answers clearly; options are save_pretrained's."""
    family = FAMILIES[name]
    processor = family.processor()
    pictures = torch.stack([torch.as_tensor(processor(picture)["pixel_values"][0]) for picture in _pictures()])
    models = (_model(family, seed, pictures.float()) for seed in count())
    model = next(model for model in models if _is_clear(model, pictures[: len(SAMPLES)].float()))
    model.save_pretrained(folder, **options)
    processor.save_pretrained(folder)
    return folder


@torch.no_grad()
def _model(family: Family, seed: int, pictures: torch.Tensor) -> Any:
    torch.manual_seed(seed)
    config = family.config()
    for part in (config, getattr(config, "vision_config", config)):
        part.initializer_range = 0.2  # where there is one, it is so small that all pictures look alike
    model = family.model(config)
    _calm(model)
    model.train()(pixel_values=pictures)
    _forget_faint_channels(model)
    _scale_head(model, model.eval()(pixel_values=pictures).logits)
    return model


@torch.no_grad()
def _is_clear(model: Any, samples: torch.Tensor) -> bool:
    scores = model(pixel_values=samples).logits.softmax(1)
    first, second = scores.topk(2).values.unbind(1)
    return bool((first - second).min() > 0.06 and len(scores.argmax(1).unique()) > 1)


def _pictures() -> Iterator[Image.Image]:
    """The sample pictures, and then corners of them."""
    samples = [Image.open(path).convert("RGB") for path in SAMPLES]
    yield from samples
    for picture in samples:
        width, height = picture.size
        for left, top in ((0, 0), (0.4, 0), (0, 0.4), (0.4, 0.4)):
            yield picture.crop((width * left, height * top, width * (left + 0.6), height * (top + 0.6)))


def _calm(model: torch.nn.Module) -> None:
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d) and layer.kernel_size[0] > 1:
            smooth = layer.weight.mean((2, 3), keepdim=True) * layer.kernel_size[0]
            layer.weight.copy_(smooth + 0.3 * layer.weight)
        if isinstance(layer, torch.nn.BatchNorm2d | torch.nn.BatchNorm1d):
            layer.momentum = None  # keeps the plain mean of what it sees
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0


def _forget_faint_channels(model: torch.nn.Module) -> None:
    """Channels that hardly change would be amplified until they change as much as others, with all their noise."""
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
