"""A Parquet file with a column of bytes, or with the image structs of Hugging Face datasets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ...errors import NoImage, SetupError, first_line
from ...settings import Settings
from ..item import Entry, Item, check_size
from .files import identity_of

_AT_ONCE = 32
"""Rows that are in memory at once, beside those that are being classified."""
_NAMES = ("path", "file_name", "filename", "url", "__key__", "id", "name")


def load(path: Path, settings: Settings, column: str) -> Parquet:
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise SetupError(f"{path} cannot be read as Parquet: {first_line(error)}") from None
    return Parquet(path, _image_column(path, schema, column), _name_column(schema), settings.max_upload_bytes)


class Parquet:
    waits = False

    def __init__(self, path: Path, column: str, names: str, most: int) -> None:
        self._path = path
        self._column = column
        self._names = names
        self._most = most

    @property
    def identity(self) -> str:
        return f"{identity_of(self._path)}, column {self._column}"

    def entries(self) -> Iterator[Entry]:
        """What names each row: a usual column of names, the path within the image struct, or its number."""
        number = 0
        for batch in self._batches(self._names or self._column, names_only=True):
            for name in batch.to_pylist() if self._names else [None] * len(batch):
                yield str(name) if name is not None else str(number)
                number += 1

    def items(self, entries: Iterable[Entry], start: int) -> Iterator[Item]:
        rows = (row for batch in self._batches(self._column, start) for row in batch)
        # The list comes first: nothing beyond it must be read.
        for entry, row in zip(entries, rows, strict=True):
            yield Item(str(entry), partial(_read, row.as_py(), self._most))

    def _batches(self, column: str, start: int = 0, *, names_only: bool = False) -> Iterator[pa.Array]:
        """The column from row `start` on, some rows at a time."""
        try:
            with pq.ParquetFile(self._path, pre_buffer=False) as file:
                for group in range(file.num_row_groups):
                    count = file.metadata.row_group(group).num_rows
                    if names_only and not self._names:
                        yield pa.nulls(count)
                    elif start < count:
                        for batch in file.iter_batches(_AT_ONCE, [group], [column], use_threads=False):
                            if start < len(batch):
                                yield _inner(batch.column(0), column).slice(start)
                            start = max(0, start - len(batch))
                    else:
                        start -= count
        except (pa.ArrowException, OSError) as error:
            raise SetupError(f"{self._path} is damaged: {first_line(error)}") from None


def _inner(values: pa.Array, column: str) -> pa.Array:
    """Of a struct, the field behind the dot."""
    return values.field(0) if pa.types.is_struct(values.type) and "." in column else values


def _read(value: bytes | None, most: int) -> bytes:
    if not value:
        raise NoImage("the row has no image")
    check_size(len(value), most)
    return value


def _image_column(path: Path, schema: pa.Schema, wanted: str) -> str:
    found: list[str] = []
    for field in schema:
        if _is_bytes(field.type):
            found.append(field.name)
        elif pa.types.is_struct(field.type):
            found += [f"{field.name}.{inner.name}" for inner in field.type if _is_bytes(inner.type)]
    named = [name for name in found if wanted in (name, name.rpartition(".")[0])] if wanted else found
    if len(named) == 1:
        return named[0]
    if not found:
        raise SetupError(f"{path} has no column of bytes; its columns are {', '.join(schema.names)}")
    raise SetupError(f"{path} has the columns of bytes {', '.join(found)}: pick one with --column NAME")


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _name_column(schema: pa.Schema) -> str:
    names = [name for name in _NAMES if name in schema.names and _is_name(schema.field(name).type)]
    structs = [field for field in schema if pa.types.is_struct(field.type)]
    inner = [f"{field.name}.path" for field in structs if field.type.get_field_index("path") >= 0]
    return next(iter([*names, *inner]), "")


def _is_name(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind))
