"""The model, where its bundle is, and what computes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .environment import PROJECT
from .parsing import OneOf, devices
from .server_models import Entry, server_models, server_models_of_file
from .setting import setting


@dataclass(frozen=True)
class Model:
    model: str = setting(
        "microsoft/resnet-50",
        "model to serve: a hub id, a folder or file, `efficientnet-lite0` or `torchvision:NAME`; see docs/models.md",
    )
    model_revision: str = setting("", "branch, tag or commit of a hub model; empty means its main branch")
    models_dir: Path = setting(PROJECT / "models", "folder that holds the bundles", Path)
    bundle: str = setting("", "folder of the bundle to serve; empty means the bundle of `MODEL`")
    server_models: tuple[Entry, ...] = setting(
        (),
        'several models at once, instead of `MODEL`: `[{"model": "resnet-50", "replicas": 2}, {"model": '
        '"efficientnet-lite0"}]`; the first is the default',
        server_models,
    )
    server_models_file: tuple[Entry, ...] = setting((), "file with such a list", server_models_of_file)
    engine: str = setting(
        "openvino",
        "engine that computes: `openvino`, `torch`, or `ray` for a cluster",
        OneOf(("openvino", "torch", "ray")),
    )
    precision: str = setting(
        "auto",
        "precision of the engine: `f32`, `bf16`, `f16` (CUDA only), `int8` (needs a bundle of its own), "
        "or `auto`, the fastest float of the processor",
        OneOf(("auto", "f32", "bf16", "f16", "int8")),
    )
    calibration: str = setting("", "folder of images that calibrate a `PRECISION=int8` bundle")
    device: tuple[str, ...] = setting(
        ("cpu",),
        "device of the torch engine: `cpu`, `cuda`, `cuda:1`; several, separated by commas, are replicas",
        devices,
    )

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The several models to serve; empty if there is one only."""
        return self.server_models or self.server_models_file

    @property
    def on_gpu(self) -> bool:
        return self.device[0].startswith("cuda")

    @property
    def engine_precision(self) -> str:
        """The precision to ask of the engine; empty lets it choose. int8 is in the bundle, not in the engine."""
        return "" if self.precision in ("auto", "int8") else self.precision
