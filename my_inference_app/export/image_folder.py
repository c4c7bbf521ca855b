"""A folder of images, for calibration or evaluation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..bundles.bundle import InputSpec
from ..errors import ServiceError, SourceError
from ..inference.images.decode import decode
from ..progress import say
from ..settings import Settings
from .imagenet import LABELS, WORDNET_IDS

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"}
_WORDNET_ID = re.compile(r"n\d{8}")
_CLASS_OF_ID = {wnid: index for index, wnid in enumerate(WORDNET_IDS)}


@dataclass(frozen=True)
class ImageFile:
    path: Path
    class_id: int | None
    """The right answer, if the name of the file or of its folder tells it."""


def find(folder: Path, labels: Sequence[str]) -> list[ImageFile]:
    """All images below a folder, sorted."""
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder of images")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    if not paths:
        raise SourceError(f"there are no images in {folder}")
    return [ImageFile(path, _class_id(path, folder, labels)) for path in paths]


def _class_id(path: Path, root: Path, labels: Sequence[str]) -> int | None:
    """From `tabby/x.jpg`, `n01440764/x.jpg`, `x_n01440764.jpg` or `0/x.jpg`."""
    folder = path.parent.name if path.parent != root else ""
    if labels.count(folder) == 1:
        return labels.index(folder)
    for name in (folder, path.stem):
        found = _WORDNET_ID.search(name)
        if found and len(labels) == len(LABELS):
            return _CLASS_OF_ID.get(found.group())
    return int(folder) if folder.isdecimal() and int(folder) < len(labels) else None


def decode_all(files: Sequence[ImageFile], spec: InputSpec) -> Iterator[tuple[ImageFile, NDArray[np.uint8]]]:
    """The images that can be read; the others are reported and left out."""
    for file in files:
        try:
            yield file, decode(file.path.read_bytes(), spec, max_pixels=Settings.max_pixels)
        except (OSError, ServiceError) as error:
            say(f"  left out {file.path}: {error}")
