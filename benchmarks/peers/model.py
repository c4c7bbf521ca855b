"""Shared by the torch peers: ResNet-50 with the given weights, and TorchVision's own preprocessing."""

from typing import IO

import inputs
import torch
from PIL import Image
from torchvision_cpu import models

resize_and_normalise = models.ResNet50_Weights.IMAGENET1K_V1.transforms()


def load_model() -> torch.nn.Module:
    model: torch.nn.Module = models.resnet50()
    model.load_state_dict(torch.load(inputs.weights(), map_location="cpu", weights_only=True))
    return model.eval()


def prepare(image: Image.Image) -> torch.Tensor:
    tensor: torch.Tensor = resize_and_normalise(image.convert("RGB"))
    return tensor


def read_image(file: IO[bytes]) -> torch.Tensor:
    return prepare(Image.open(file))


def classify(model: torch.nn.Module, batch: torch.Tensor) -> list[int]:
    """The best class of each image in a batch."""
    with torch.inference_mode():
        best: list[int] = model(batch).argmax(dim=1).tolist()
    return best
