"""A list of paths or URLs: one a line in a .txt, or a column of a .csv."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from ...errors import ServiceError, SetupError, first_line
from ...fetching.fetcher import Fetcher
from ...settings import Settings
from ..item import Entry, Item
from .files import identity_of, read_file

_COLUMNS = ("path", "url", "image", "file", "filename", "file_name")
_LOOKED_AT = 1000


def load(path: Path, settings: Settings, column: str) -> Listing:
    return Listing(path, settings, column)


class Listing:
    def __init__(self, path: Path, settings: Settings, column: str) -> None:
        self._path = path
        self._column = column
        self._folder = path.resolve().parent
        self._fetcher = Fetcher(settings)
        self._most = settings.max_upload_bytes

    @property
    def identity(self) -> str:
        return identity_of(self._path)

    @property
    def waits(self) -> bool:
        return any(_is_url(line) for line in islice(self.entries(), _LOOKED_AT))

    def entries(self) -> Iterator[str]:
        # Names of files may have bytes that are not UTF-8, and must lead to the same files again.
        with self._path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            lines = self._of_csv(file) if self._path.suffix.lower() == ".csv" else (line.strip("\r\n") for line in file)
            yield from (line for line in lines if line.strip())

    def _of_csv(self, file: Iterable[str]) -> Iterator[str]:
        """The named column, or one with a usual name, or else the first, which then has no heading."""
        rows = csv.reader(file)
        try:
            first = next(rows, [])
            names = [self._column] if self._column else _COLUMNS
            found = [index for index, name in enumerate(first) if (name if self._column else name.lower()) in names]
            if self._column and not found:
                raise SetupError(f"{self._path} has no column {self._column!r}; its first line is {first!r:.200}")
            if not found and first:
                yield first[0]
            index = found[0] if found else 0
            yield from (row[index] for row in rows if len(row) > index)
        except csv.Error as error:
            raise SetupError(f"{self._path}, line {rows.line_num}: {first_line(error)}") from None

    def items(self, entries: Iterable[Entry], start: int) -> Iterator[Item]:  # noqa: ARG002
        for entry in entries:
            line = str(entry)
            if _is_url(line):
                yield Item(line, partial(self._fetch, line.strip()))
            else:
                yield Item(line, partial(read_file, self._folder / line, self._most))

    def _fetch(self, url: str) -> bytes:
        fetched = self._fetcher.fetch([url], math.inf, "batch")[0]
        if isinstance(fetched, ServiceError):
            raise fetched
        return fetched


def _is_url(line: str) -> bool:
    return line.lstrip().lower().startswith(("http://", "https://"))
