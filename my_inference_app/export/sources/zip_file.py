"""Zip files of strangers: nothing is unpacked by name, and no more is read than a file of weights may hold."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ...errors import SourceError

_MOST_MEMBERS = 10_000
_MOST_BYTES = 16 * 10**9
# Weights hardly shrink. Deflate reaches 1000, with nothing but zeros.
_MOST_RATIO = 100
_SMALL = 10**7
_ENCRYPTED = 1


@contextmanager
def opened(file: Path, kind: str, shown: str = "") -> Iterator[zipfile.ZipFile]:
    """The zip file, if nothing is wrong with it. `kind` says what it should be, `shown` what errors call it."""
    shown = shown or str(file)
    try:
        with zipfile.ZipFile(file) as archive:
            _check(file, archive.infolist(), shown)
            yield archive
    except OSError as error:
        raise SourceError(f"{shown}: {error.strerror or error}") from None
    # zipfile raises more than its own errors for damaged files.
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        ValueError,
        EOFError,
        struct.error,
        zlib.error,
    ):
        raise SourceError(f"{shown} is damaged, or not {kind}") from None


def _check(file: Path, members: list[zipfile.ZipInfo], shown: str) -> None:
    names = [member.filename for member in members]
    if len(names) > _MOST_MEMBERS or len(set(names)) < len(names):
        raise SourceError(f"{shown} is refused: it holds too many files, or two of one name")
    for member in members:
        if reason := _fault(member):
            raise SourceError(f"{shown} is refused: {member.filename[:100]!r} in it {reason}")
    size = sum(member.file_size for member in members)
    if size > _MOST_BYTES or size > max(_SMALL, _MOST_RATIO * file.stat().st_size):
        raise SourceError(f"{shown} is refused: it would unpack to {size / 1e6:,.0f} MB, too many for its size")


def _fault(member: zipfile.ZipInfo) -> str:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in member.filename:
        return "has a path outside the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a link"
    if member.flag_bits & _ENCRYPTED:
        return "is encrypted"
    return ""
