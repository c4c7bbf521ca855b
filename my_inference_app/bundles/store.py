"""Where bundles are kept: MODELS_DIR, and the folder each model has in it."""

from __future__ import annotations

from pathlib import Path

from ..settings import Settings


def bundle_dir(settings: Settings) -> Path:
    """The folder of the bundle to serve: BUNDLE, or the one of MODEL."""
    if settings.bundle:
        return Path(settings.bundle)
    return settings.models_dir / bundle_name(settings.model, settings.model_revision, settings.precision)


def bundle_name(model: str, revision: str = "", precision: str = "auto") -> str:
    """The folder name a model's bundle is kept under: its id, made safe for a file system."""
    name = Path(model).resolve().name if Path(model).is_dir() else model
    name = f"{name}@{revision}" if revision else name
    return (f"{name}--int8" if precision == "int8" else name).replace("/", "--").replace(":", "--")
