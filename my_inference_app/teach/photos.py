"""The photos to learn from: a folder for each class."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import SetupError

FEWEST = 2
"""Photos in a class."""


@dataclass(frozen=True)
class Photo:
    path: Path
    name: str
    """The path below the folder of all photos: `cat/1.jpg`."""
    label: str
    sha256: str


@dataclass(frozen=True)
class Problem:
    """A file that is left out, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Photos:
    labels: tuple[str, ...]
    usable: tuple[Photo, ...]
    problems: tuple[Problem, ...]

    @property
    def class_ids(self) -> list[int]:
        return [self.labels.index(photo.label) for photo in self.usable]

    def without(self, problems: Iterable[Problem]) -> Photos:
        """The rest, without photos that turned out to be unusable."""
        found = (*self.problems, *problems)
        names = {problem.file for problem in found}
        return replace(
            self, usable=tuple(photo for photo in self.usable if photo.name not in names), problems=found
        ).checked()

    def checked(self) -> Photos:
        """Raises SetupError unless there is enough to learn from."""
        why = f" (left out: {self.problems[0].file}: {self.problems[0].reason})" if self.problems else ""
        if len(self.labels) < 2:
            raise SetupError(
                f"there is only one class, {self.labels[0]!r}: add a folder with photos of something else{why}"
            )
        for label in self.labels:
            count = sum(photo.label == label for photo in self.usable)
            if count < FEWEST:
                raise SetupError(
                    f"the class {label!r} has {count} usable photo{'s' * (count != 1)}, and needs at least two, better "
                    f"five: add some, or remove the folder{why}"
                )
        return self


def find(folder: Path, most_bytes: int) -> Photos:
    """All photos, sorted by class and name. Hidden files and folders are not looked at."""
    if not folder.is_dir():
        raise SetupError(f"{folder} is not a folder: PHOTOS is a folder with a folder of photos for each class")
    inside = _visible(folder)
    places = [path for path in inside if path.is_dir()]
    if not places:
        raise SetupError(f"{folder} has no folders in it: make one for each class, and put its photos there")
    problems = [Problem(_shown(path.name), "it is in no folder of a class") for path in inside if path not in places]
    found: dict[str, Photo] = {}
    for path, label in ((path, _shown(place.name)) for place in places for path in _files(place)):
        name = _shown(path.relative_to(folder).as_posix())
        try:
            photo = Photo(path, name, label, hashlib.sha256(read(path, most_bytes)).hexdigest())
        except OSError as error:
            problems.append(Problem(name, error.strerror or str(error)))
            continue
        first = found.setdefault(photo.sha256, photo)
        if first.label != label:
            raise SetupError(f"the same photo is in two classes, as {first.name} and {name}: remove one of them")
        if first is not photo:
            problems.append(Problem(name, f"it is the same photo as {first.name}"))
    return Photos(tuple(_shown(place.name) for place in places), tuple(found.values()), tuple(problems)).checked()


def read(path: Path, most_bytes: int) -> bytes:
    if not path.is_file():
        raise OSError("it is not a file")
    if path.stat().st_size > most_bytes:
        raise OSError(f"it has more than the {most_bytes:,} bytes allowed: set MAX_UPLOAD_MB")
    return path.read_bytes()


def digest(photos: Sequence[Photo]) -> str:
    """The same for the same photos in the same classes, whatever the files are called."""
    lines = sorted(f"{photo.sha256} {photo.label}\n" for photo in photos)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _shown(name: str) -> str:
    """Bytes in the name of a file that are not UTF-8 are written as \\xNN, and line breaks as spaces."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return " ".join(text.split()) or repr(text)


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _files(folder: Path) -> Iterator[Path]:
    """Links to folders are not followed, so that there are no circles."""
    for path in _visible(folder):
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        elif not path.is_dir():
            yield path
