"""A folder of pictures, as given for calibration or evaluation."""

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
from ..settings import Settings
from .imagenet import LABELS, WORDNET_IDS
from .progress import say

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"}
_WORDNET_ID = re.compile(r"n\d{8}")
_CLASS_OF_ID = {wnid: index for index, wnid in enumerate(WORDNET_IDS)}


@dataclass(frozen=True)
class Picture:
    path: Path
    class_id: int | None
    """The right answer, where the file's or its folder's name tells it."""


def find(folder: Path, labels: Sequence[str]) -> list[Picture]:
    """All pictures below a folder, in an order that does not depend on the machine."""
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder of pictures")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    if not paths:
        raise SourceError(f"there are no pictures in {folder}")
    is_imagenet = len(labels) == len(LABELS)
    return [Picture(path, _class_id(path, folder, is_imagenet, len(labels))) for path in paths]


def _class_id(path: Path, root: Path, is_imagenet: bool, classes: int) -> int | None:
    """From `n01440764/x.jpg`, `x_n01440764.jpg` or `0/x.jpg`."""
    folder = path.parent.name if path.parent != root else ""
    for name in (folder, path.stem):
        found = _WORDNET_ID.search(name)
        if found and is_imagenet:
            return _CLASS_OF_ID.get(found.group())
    return int(folder) if folder.isdecimal() and int(folder) < classes else None


def decode_all(pictures: Sequence[Picture], spec: InputSpec) -> Iterator[tuple[Picture, NDArray[np.uint8]]]:
    """Those that can be read; the others are named and left out."""
    for picture in pictures:
        try:
            yield picture, decode(picture.path.read_bytes(), spec, max_pixels=Settings.max_pixels)
        except (OSError, ServiceError) as error:
            say(f"  left out {picture.path}: {error}")
