"""A small network of a user's own, in the files that frameworks write."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.engines.base import load_engine
from my_inference_app.export.input_options import InputOptions

with warnings.catch_warnings():
    warnings.simplefilter("ignore", ResourceWarning)  # it leaves a file open when it is imported
    from model_archiver.model_archiver_config import ModelArchiverConfig
    from model_archiver.model_packaging import package_model
    from model_archiver.model_packaging_utils import ModelExportUtils

LABELS = ("rose", "tulip", "daisy", "iris")
SMALL = InputOptions((64, 48), 72, "bicubic", (0.5, 0.4, 0.3), (0.2, 0.3, 0.25))

Logits = NDArray[np.float32]


class Network(torch.nn.Module):
    """Its answers differ clearly between images."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 5, stride=4),
            torch.nn.ReLU(),
            torch.nn.AdaptiveAvgPool2d(1),
            torch.nn.Flatten(),
            torch.nn.Linear(8, len(LABELS)),
        ).eval()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = 5 * self.layers(pixels)
        return logits


def save_traced(module: torch.nn.Module, file: Path) -> Path:
    traced: Any = torch.jit.trace(module, torch.rand(1, 3, 64, 64))  # type: ignore[no-untyped-call]
    traced.save(str(file))
    return file


def save_onnx(module: torch.nn.Module, file: Path, shape: tuple[int, ...] = (1, 3, 64, 48), **options: Any) -> Path:
    """By the older of torch's two exporters, which takes a tenth of the time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces that it will go
        torch.onnx.export(module, (torch.rand(shape),), file, input_names=["x"], dynamo=False, **options)
    return file


def save_labels(file: Path, labels: tuple[str, ...] = LABELS) -> Path:
    file.write_text("\n".join(labels))
    return file


def archive(folder: Path, name: str, serialized: Path, labels: object = None, **options: Any) -> Path:
    """As `torch-model-archiver` writes it."""
    extra = None
    if labels is not None:
        extra = folder / "index_to_name.json"
        extra.write_text(json.dumps(labels))
    config = ModelArchiverConfig(
        model_name=name,
        handler=options.pop("handler", "image_classifier"),
        version="1.0",
        serialized_file=str(serialized),
        extra_files=extra and str(extra),
        export_path=str(folder),
        force=True,
        **options,
    )
    package_model(config, ModelExportUtils.generate_manifest_json(config))
    return folder / f"{name}.mar"


def assert_answers_as(module: torch.nn.Module, made: Bundle, *engines: str) -> None:
    """The bundle gives torch's own answers to any pixels, in batches of several sizes."""
    images = np.random.default_rng(0).integers(0, 255, (3, *made.input.size, 3), np.uint8)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (made.input.mean, made.input.std))
    with torch.inference_mode():
        want = module((torch.from_numpy(images).permute(0, 3, 1, 2) - mean) / std).softmax(1).numpy()
    for name in engines:
        engine = load_engine(made, name, threads=1, precision="f32")
        for got in (engine(images), np.concatenate([engine(image[None]) for image in images])):
            np.testing.assert_allclose(torch.from_numpy(got).softmax(1).numpy(), want, atol=0.005)
