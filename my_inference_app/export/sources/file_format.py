"""A model that is one file. Imports no torch, so that a bundle made of the file is found at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..options import checksum


def origin_of_file(file: Path) -> dict[str, Any]:
    """Checksums tell the file from every other. torch writes the weights of an ONNX file into a second one."""
    weights = file.with_name(f"{file.name}.data")
    files = [file, weights] if weights.exists() else [file]
    return {"kind": "file", "name": file.name, "files": {path.name: checksum(path) for path in files}}
