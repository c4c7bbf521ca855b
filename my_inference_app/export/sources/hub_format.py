"""The files of a model in the hub's format. Imports no torch, so that a bundle made of a folder is found at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...bundles.bundle import sha256

PREPROCESSORS = ("preprocessor_config.json", "processor_config.json")
CONFIGURATION = ("config.json", *PREPROCESSORS)
CARD = "README.md"
SAFETENSORS = ("model.safetensors", "model-*-of-*.safetensors", "model.safetensors.index.json")
PICKLES = ("pytorch_model.bin", "pytorch_model-*-of-*.bin", "pytorch_model.bin.index.json")


def weight_files(folder: Path) -> list[Path]:
    def found(patterns: tuple[str, ...]) -> list[Path]:
        return sorted(path for pattern in patterns[:2] for path in folder.glob(pattern))

    return found(SAFETENSORS) or found(PICKLES)


def origin_of_folder(folder: Path) -> dict[str, Any]:
    """Checksums of all files that matter: they tell a folder's model from every other."""
    files = [*weight_files(folder), *(folder / name for name in CONFIGURATION if (folder / name).exists())]
    return {"kind": "folder", "files": {path.name: sha256(path) for path in files}}
