"""The photos of the models that are being taught: `<folder>/<model>/<class>/<sha256>.jpg`.

All workers share the folder. One lock keeps what they change apart.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import gettempdir, mkstemp
from typing import TYPE_CHECKING

from .. import own_folder, shared_folder
from ..bundles.store import TEACH_CACHE
from ..errors import Conflict, StorageFull
from ..settings import Settings
from .files import folders, full_disk_is_told, link, photos_in, remove_if_empty
from .orders import LOCK

if TYPE_CHECKING:  # gunicorn's master does without what decodes images
    from .photo import Photo

OWN = ".teaching"
"""The folder beside the models' photos that holds all else. No model's name begins with a dot."""
_MB = 1 << 20


class Album:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen: dict[str, tuple[int, float]] = {}
        """When each model's folder had changed, and since when it has not."""

    @cached_property
    def folder(self) -> Path:
        """Without TEACH_STORE one that ends with the service, in memory where the system has a place for it."""
        if self._settings.teach_store:
            return self._settings.teach_store
        return (
            shared_folder.path() / "teaching" if shared_folder.is_open() else own_folder.make("teaching", gettempdir())
        )

    @property
    def own(self) -> Path:
        return self.folder / OWN

    @contextmanager
    def locked(self) -> Iterator[None]:
        self.own.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.own / LOCK).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield
            finally:  # closing the file is not enough: a worker that was forked meanwhile has it open, too
                fcntl.flock(file, fcntl.LOCK_UN)

    def models(self) -> list[str]:
        return [path.name for path in folders(self.folder)]

    def classes(self, model: str) -> dict[str, int]:
        """How many photos each class has."""
        return {path.name: sum(1 for _ in photos_in(path)) for path in folders(self.folder / model)}

    def add(self, model: str, label: str, photos: Sequence[Photo], *, move: bool = False) -> int:
        """Adds photos to a class, and returns how many are new. With `move`, a photo may leave another class."""
        with self.locked(), full_disk_is_told():
            where = {file.stem: file for folder in folders(self.folder / model) for file in photos_in(folder)}
            sent = {photo.id: photo for photo in photos}
            new = [photo for photo in sent.values() if photo.id not in where]
            elsewhere = [file for name, file in where.items() if name in sent and file.parent.name != label]
            if elsewhere and not move:
                file = elsewhere[0]
                raise Conflict(
                    f"a photo is in the class {file.parent.name!r} already: remove it there with DELETE "
                    f"/teach/{model}/{file.parent.name}/{file.stem}, or leave it out here"
                )
            self._check_limits(model, label, where, new)
            if sent:
                self._put(self.folder / model / label, new, elsewhere)
            return len(new)

    def _put(self, folder: Path, new: Sequence[Photo], elsewhere: Sequence[Path]) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            for photo in new:
                self._write(photo, folder)
            for file in elsewhere:
                file.replace(folder / file.name)
                remove_if_empty(file.parent)
            os.utime(folder.parent)  # the time counts from here until they are forgotten
        finally:
            remove_if_empty(folder)  # the disk may be full
            remove_if_empty(folder.parent)

    def _check_limits(self, model: str, label: str, where: dict[str, Path], new: Sequence[Photo]) -> None:
        labels = {path.name for path in folders(self.folder / model)}
        similar = [other for other in labels if other != label and other.casefold() == label.casefold()]
        if similar:
            raise Conflict(f"there is a class {similar[0]!r} already: spell it the same way, or choose another name")
        for setting, most, found in (
            ("TEACH_CLASSES", self._settings.teach_classes, len(labels | {label})),
            ("TEACH_PHOTOS", self._settings.teach_photos, len(where) + len(new)),
        ):
            if found > most:
                raise Conflict(f"a model has at most {most} {setting[6:].lower()}: remove some, or raise {setting}")
        most = self._settings.teach_mb
        if new and self._bytes() + sum(len(photo.data) for photo in new) > most * _MB:
            raise StorageFull(f"all photos together may have {most} MB: remove some, or raise TEACH_MB")

    def _bytes(self) -> int:
        files = (
            file for model in self.models() for folder in folders(self.folder / model) for file in photos_in(folder)
        )
        return sum(file.stat().st_size for file in files)

    def _write(self, photo: Photo, folder: Path) -> None:
        """In one step: the command that reads the photos never sees half of one."""
        number, path = mkstemp(dir=self.own)
        try:
            with open(number, "wb") as file:
                file.write(photo.data)
            Path(path).replace(folder / f"{photo.id}{photo.suffix}")
        except BaseException:
            Path(path).unlink(missing_ok=True)
            raise

    def remove(self, model: str, label: str = "", photo: str = "") -> bool:
        """Removes a model's photos, those of one class, or one. False if there are none."""
        with self.locked():
            return self._remove(model, label, photo)

    def _remove(self, model: str, label: str, photo: str) -> bool:
        places = [path for path in folders(self.folder / model) if label in ("", path.name)]
        files = [file for place in places for file in photos_in(place) if photo in ("", file.stem)]
        self._unlink(files)
        return bool(files)

    def _unlink(self, files: Sequence[Path]) -> None:
        """Without TEACH_STORE nothing stays of a photo, so neither does what `teach` has kept of it."""
        places = [] if self._settings.teach_store else list(self._settings.models_dir.glob(f"{TEACH_CACHE}/*"))
        for file in files:
            for path in (file, *(place / file.stem for place in places)):
                path.unlink(missing_ok=True)
        for folder in {file.parent for file in files}:
            remove_if_empty(folder)
            remove_if_empty(folder.parent)

    def copy(self, model: str, place: Path) -> None:
        """Copies the photos of a model as they are now. Call it with the lock held."""
        shutil.rmtree(place, ignore_errors=True)
        with full_disk_is_told():
            shutil.copytree(self.folder / model, place, copy_function=link)

    def forget(self, model: str, copied: Path) -> None:
        """Removes the photos that were copied. Others may have been added meanwhile."""
        with self.locked():
            self._unlink(
                [
                    self.folder / model / folder.name / file.name
                    for folder in folders(copied)
                    for file in photos_in(folder)
                ]
            )

    def forget_unchanged(self, seconds: float) -> None:
        """Removes the photos of models to which none was added for so long, as far as this object has looked."""
        with self.locked():
            for model in self.models():
                changed, now = (self.folder / model).stat().st_mtime_ns, time.monotonic()
                known, since = self._seen.get(model, (0, now))
                if changed != known:
                    self._seen[model] = (changed, now)
                elif now - since > seconds:
                    self._remove(model, "", "")
