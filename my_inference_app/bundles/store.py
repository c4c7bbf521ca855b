"""The store: MODELS_DIR, the folder each model has in it, and the versions in that folder.

A model's folder is a bundle, or has a bundle for each version in folders called 1, 2, 3 …
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import BundleError
from ..settings import Settings
from ..settings.server_models import Entry
from . import own_python
from .bundle import MANIFEST, Bundle, read

_SHORT = re.compile(r"resnet-[0-9]+")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
ONLY_VERSION = "1"
TAUGHT = "taught"
"""The kind of the source of a model that was taught."""
TEACH_CACHE = ".teach-cache"
"""Below MODELS_DIR: what `teach` has computed of photos, a file for each, called by the photo's SHA-256."""


@dataclass(frozen=True)
class Place:
    """A bundle to be served, and how."""

    folder: Path
    name: str = ""
    """Empty: the one in the bundle."""
    version: str = ONLY_VERSION
    replicas: int = 1
    weight: float = 1.0
    """The share of the model's requests that this version gets, of the weights of all its versions."""

    @property
    def is_version(self) -> bool:
        """Whether the bundle is one of the versions in its model's folder, rather than that folder itself."""
        return versions_in(self.folder.parent).get(self.version) == self.folder


def places(settings: Settings) -> list[Place]:
    """All bundles to be served. The first is the default."""
    named = _named(settings)
    return named if not settings.teach else [*named, *_taught(settings, named)]


def _named(settings: Settings) -> list[Place]:
    """Those that the settings name."""
    if settings.entries:
        return [place for entry in settings.entries for place in _of_entry(entry, settings)]
    return [newest(bundle_dir(settings))]


def newest(folder: Path) -> Place:
    """The newest version in a model's folder."""
    version, found = list(versions_in(folder).items())[-1]
    return Place(found, version=version)


def _taught(settings: Settings, named: Sequence[Place]) -> Iterator[Place]:
    """The newest version of each model that was taught here, as far as the settings do not name the model."""
    names = {folder.resolve() for place in named for folder in (place.folder, place.folder.parent)}
    folders = settings.models_dir.iterdir() if settings.models_dir.is_dir() else ()
    for folder in sorted(path for path in folders if path.name[0] != "."):
        if folder.resolve() not in names and taught_in(folder):
            yield newest(folder)


def taught_in(folder: Path) -> Bundle | None:
    """The newest version in a model's folder, if it was made by `teach` and can be read."""
    with suppress(BundleError):
        found = read(newest(folder).folder)
        return found if found.source.get("kind") == TAUGHT else None
    return None


def _of_entry(entry: Entry, settings: Settings) -> Iterator[Place]:
    found = versions_in(folder_of(settings, entry.model))
    for version, weight in entry.versions or [(list(found)[-1], 1.0)]:
        if version not in found:
            there = ", ".join(found)
            raise BundleError(f"SERVER_MODELS: {entry.model} has no version {version}; there is {there}")
        yield Place(found[version], entry.name, version, entry.replicas, weight)


def versions_in(folder: Path) -> dict[str, Path]:
    """The versions of a model, oldest first. A folder without versions is version 1 itself."""
    inner = folder.iterdir() if folder.is_dir() else ()
    found = [path for path in inner if _VERSION.fullmatch(path.name) and (path / MANIFEST).is_file()]
    return {path.name: path for path in sorted(found, key=lambda path: int(path.name))} or {ONLY_VERSION: folder}


def has_versions(folder: Path) -> bool:
    return versions_in(folder) != {ONLY_VERSION: folder}


def bundle_dir(settings: Settings) -> Path:
    """The folder of the model to serve: BUNDLE, or the one of MODEL."""
    if settings.bundle:
        return Path(settings.bundle)
    return _in_store(settings, settings.model, settings.model_revision)


def folder_of(settings: Settings, model: str) -> Path:
    """The folder of one of several models."""
    return _in_store(settings, model)


def _in_store(settings: Settings, model: str, revision: str = "") -> Path:
    """PRECISION has a part in the name of a folder, except for the operator's own Python."""
    own = settings.models_dir / bundle_name(model, revision)
    return own if is_own_python(own) else settings.models_dir / bundle_name(model, revision, settings.precision)


def is_own_python(folder: Path) -> bool:
    """Whether a model's folder, or one of its versions, is the operator's own Python, which nothing exports."""
    return own_python.is_there(folder) or any(map(own_python.is_there, versions_in(folder).values()))


def full_name(model: str) -> str:
    """The hub id that a short name stands for: `resnet-50` is `microsoft/resnet-50`."""
    return f"microsoft/{model}" if _SHORT.fullmatch(model) else model


def bundle_name(model: str, revision: str = "", precision: str = "auto") -> str:
    """The folder name a model's bundle is kept under: its id, made safe for a file system."""
    name = Path(model).resolve().name if Path(model).exists() else full_name(model)
    name = f"{name}@{revision}" if revision else name
    return as_folder(f"{name}--int8" if precision == "int8" else name)


def as_folder(name: str) -> str:
    return name.replace("/", "--").replace(":", "--")
