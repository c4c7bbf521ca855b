"""The versions of a taught model in the store, and how the last one does on photos that it has not seen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..bundles import bundle as bundles
from ..bundles.bundle import MANIFEST, Bundle
from ..bundles.head import read_head
from ..bundles.store import TAUGHT, folder_of, has_versions, versions_in
from ..errors import SetupError
from ..settings import Settings
from .crossvalidation import CrossValidation
from .head import Matrix
from .photos import Photos

PHOTOS = "photos.txt"
"""In a taught bundle: the checksums of the photos that it has learnt from."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Place:
    folder: Path
    version: str
    last: Bundle | None
    """The newest version that is there."""
    is_next: bool
    """Whether the number follows from those that are there."""


def next_version(settings: Settings, name: str, version: str = "") -> Place:
    if not _NAME.fullmatch(name):
        raise SetupError(f"{name!r} cannot be the name of a model: use up to 64 letters, digits, dots, - and _")
    folder = folder_of(settings, name)
    if (folder / MANIFEST).exists() or (folder.exists() and not folder.is_dir()):
        raise SetupError(f"{folder} is a model that was not taught: give another --name")
    there = versions_in(folder) if has_versions(folder) else {}
    last = bundles.read(list(there.values())[-1]) if there else None
    if last and last.source.get("kind") != TAUGHT:
        raise SetupError(f"{folder} has versions of a model that was not taught: give another --name")
    if version in there:
        raise SetupError(f"{name} has a version {version} already: give a --version above {list(there)[-1]}, or none")
    number = version or str(int(list(there)[-1]) + 1 if there else 1)
    return Place(folder / number, number, last, not version)


def compare(last: Bundle, photos: Photos, features: Matrix, validation: CrossValidation) -> dict[str, Any] | None:
    """Both on the photos that the last version has not learnt from, of classes that it knows."""
    head = read_head(last)
    learnt = (last.path / PHOTOS).read_text("utf-8").split()
    unseen = [
        index
        for index, photo in enumerate(photos.usable)
        if photo.sha256 not in set(learnt) and photo.label in last.labels
    ]
    if head is None or not unseen:
        return None
    best = (features[unseen] @ head.weight.T + head.bias).argmax(1)
    right = [last.labels[found] == photos.usable[index].label for found, index in zip(best, unseen, strict=True)]
    now = (validation.logits[:, unseen].argmax(-1) == validation.class_ids[unseen]).mean()
    return {"version": last.path.name, "photos": len(unseen), "before": float(np.mean(right)), "now": float(now)}


def learnt_from(photos: Photos) -> str:
    """The content of that file."""
    return "".join(f"{checksum}\n" for checksum in sorted(photo.sha256 for photo in photos.usable))
