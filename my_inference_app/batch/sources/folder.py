"""All images below a folder. Links to folders are not followed, so that there are no circles."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from ...settings import Settings
from ..item import SUFFIXES, Entry, Item
from .files import read_file


def load(path: Path, settings: Settings, _column: str) -> Folder:
    return Folder(path, settings.max_upload_bytes)


class Folder:
    waits = False

    def __init__(self, path: Path, most: int) -> None:
        self._path = path.resolve()
        self._most = most

    @property
    def identity(self) -> str:
        """The list of its files is kept from the first run, so that files may come and go."""
        return str(self._path)

    def entries(self) -> Iterator[Entry]:
        for folder, inner, names in os.walk(self._path, onerror=_fail):
            inner.sort()
            for name in sorted(names):
                if name.lower().endswith(SUFFIXES):
                    yield os.path.relpath(os.path.join(folder, name), self._path)  # noqa: PTH118 - for millions

    def items(self, entries: Iterable[Entry], start: int) -> Iterator[Item]:  # noqa: ARG002
        for entry in entries:
            yield Item(str(entry), partial(read_file, self._path / str(entry), self._most))


def _fail(error: OSError) -> None:
    """A folder that cannot be listed would otherwise be left out without a word."""
    raise error
