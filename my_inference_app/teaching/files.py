"""Folders and files of an album."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import StorageFull


@contextmanager
def full_disk_is_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StorageFull("the disk of the photos is full: remove some, or tell the operator") from None


def link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # some file systems have no hard links
        shutil.copy2(source, target)


def folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.name[0] != "." and path.is_dir())


def photos_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.name[0] != ".")


def remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
