"""The folder FILE.unfinished: the list of the images, and the rows that were written so far, in parts.

Everything in it is written under another name and renamed, so that a kill leaves whole files only. The parts follow one
another without a gap: the next run goes on behind the last one.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import SetupError
from .item import Entry
from .table import Row

_LIST, _RUN, _LOCK, _SCRATCH = "list.jsonl", "run.json", "lock", "scratch"
_PART = re.compile(r"(\d{10})-(\d{10})\.parquet")
_ROWS_IN_GROUP = 10_000
_REPORT_EVERY = 10_000


@dataclass(frozen=True)
class Run:
    identity: Mapping[str, str]
    """What has to be the same in all runs that write one result."""
    count: int


class Unfinished:
    def __init__(self, out: Path) -> None:
        self._out = out
        self.folder = out.with_name(f"{out.name}.unfinished")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Two runs with one result would remove each other's files."""
        self.folder.mkdir(exist_ok=True)
        with (self.folder / _LOCK).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SetupError(f"another run is writing {self._out}: wait for it, or end it") from None
            try:
                yield
            finally:
                if not (self.folder / _RUN).exists():  # nothing in it would be of use
                    self.remove()

    def started(self) -> Run | None:
        try:
            data = json.loads((self.folder / _RUN).read_bytes())
            return Run(data["identity"], data["count"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            raise self._damaged(f"{_RUN} is not readable") from None

    def start(self, identity: Mapping[str, str], entries: Iterable[Entry], report: Callable[[int], None]) -> Run:
        """Writes the list of the images. Once it is complete it is never changed."""
        count = 0
        with self._written(_LIST) as path, path.open("w", encoding="ascii") as file:
            for count, entry in enumerate(entries, 1):
                file.write(json.dumps(entry) + "\n")
                if not count % _REPORT_EVERY:
                    report(count)
        if count:
            with self._written(_RUN) as path:
                path.write_text(json.dumps({"identity": dict(identity), "count": count}, indent=1), "utf-8")
        return Run(identity, count)

    def entries(self, start: int) -> Iterator[Entry]:
        with (self.folder / _LIST).open("rb") as file:
            for line in islice(file, start, None):
                yield json.loads(line)

    def done(self) -> int:
        """The rows in all parts."""
        end = 0
        for first, last, _ in self._parts():
            if first != end:
                raise self._damaged(f"rows {end} to {first} are missing")
            end = last
        return end

    def save(self, columns: pa.Schema, rows: list[Row], start: int) -> None:
        with self._written(f"{start:010}-{start + len(rows):010}.parquet") as path:
            pq.write_table(pa.Table.from_pylist(rows, columns), path)

    def finish(self, columns: pa.Schema) -> None:
        """Joins the parts into the result, and removes the folder."""
        with self._written(self._out.resolve()) as path, pq.ParquetWriter(path, columns) as writer:
            waiting: list[pa.Table] = []
            for _, _, part in self._parts():
                waiting.append(pq.read_table(part, schema=columns))
                if sum(map(len, waiting)) >= _ROWS_IN_GROUP:
                    writer.write_table(pa.concat_tables(waiting))
                    waiting.clear()
            if waiting:
                writer.write_table(pa.concat_tables(waiting))
        self.remove()

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _parts(self) -> list[tuple[int, int, Path]]:
        found = [(_PART.fullmatch(path.name), path) for path in self.folder.iterdir()]
        return sorted((int(match[1]), int(match[2]), path) for match, path in found if match)

    @contextmanager
    def _written(self, name: str | Path) -> Iterator[Path]:
        scratch = self.folder / _SCRATCH
        yield scratch
        with scratch.open("rb") as file:
            os.fsync(file.fileno())  # the name must not reach the disk before the content
        scratch.replace(self.folder / name)

    def _damaged(self, reason: str) -> SetupError:
        return SetupError(f"{self.folder} is damaged: {reason}; remove it to start again")


def identity_of_result(file: Path) -> Mapping[str, str] | None:
    """Of a finished result; None if there is none."""
    try:
        with pq.ParquetFile(file) as found:
            metadata = found.schema_arrow.metadata or {}
    except FileNotFoundError:
        return None
    except (pa.ArrowException, OSError):
        return {}
    return {key.decode(): value.decode("utf-8", "replace") for key, value in metadata.items()}
