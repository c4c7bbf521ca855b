"""The images in a tar, such as a shard of a WebDataset. Only the list is made by reading it through."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from ...errors import SetupError, first_line
from ...settings import Settings
from ..item import SUFFIXES, Entry, FileUnreadable, Item, check_size
from .files import identity_of


def load(path: Path, settings: Settings, _column: str) -> Tar:
    return Tar(path, settings.max_upload_bytes)


class Tar:
    waits = False

    def __init__(self, path: Path, most: int) -> None:
        self._path = path
        self._most = most

    @property
    def identity(self) -> str:
        return identity_of(self._path)

    def entries(self) -> Iterator[Entry]:
        """Where each image begins, and how long it is."""
        try:
            with tarfile.open(self._path, "r:") as archive:
                while member := archive.next():
                    archive.members.clear()  # type: ignore[attr-defined] # it would keep all of them
                    if member.isreg() and not member.issparse() and member.name.lower().endswith(SUFFIXES):
                        yield [member.name, member.offset_data, member.size]
        except tarfile.TarError as error:
            raise SetupError(
                f"{self._path} is not a complete, uncompressed tar: {first_line(error)}; unpack a compressed one first"
            ) from None

    def items(self, entries: Iterable[Entry], start: int) -> Iterator[Item]:  # noqa: ARG002
        for entry in entries:
            name, offset, size = entry
            yield Item(str(name), partial(_read, self._path, int(offset), int(size), self._most))


def _read(path: Path, offset: int, size: int, most: int) -> bytes:
    check_size(size, most)
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(size)
    if len(data) < size:
        raise FileUnreadable("the tar ends within this image")
    return data
