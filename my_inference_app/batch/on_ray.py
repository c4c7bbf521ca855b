"""Classifies the images on a Ray cluster, through Ray Data. Its nodes have source and bundle at the same paths."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import ray
from ray.exceptions import RayError

from ..cluster.connection import connect
from ..errors import SetupError, first_line
from ..inference.answers import Detail
from ..settings import Settings
from .classify import Threads, classify
from .item import Entry
from .model import WAITING, load
from .sources import find
from .table import Row, row, schema

_AT_ONCE = 50_000
"""Entries that are on the cluster at a time."""
_GROUP = 64
"""Entries that an actor classifies in one call."""
_NUMBER = "number"


@dataclass(frozen=True)
class Work:
    """What every actor has to know."""

    source: Path
    column: str
    source_identity: str
    bundle_identity: str
    top_k: int
    embeddings: bool
    settings: Settings


class _Classifying:
    """An actor: it loads the model once."""

    def __init__(self, work: Work) -> None:
        settings = work.settings
        self._work = work
        self._source = find(work.source, settings, work.column)
        loaded = load(settings, embeddings=work.embeddings)
        if self._source.identity != work.source_identity or loaded.checksum != work.bundle_identity:
            raise SetupError(f"a node of the cluster has another {work.source}, or another bundle of the model")
        self._classifier = loaded.classifier
        self._columns = _with_numbers(schema({}, embeddings=work.embeddings))

    def __call__(self, table: pa.Table) -> pa.Table:
        work, numbers = self._work, table[_NUMBER].to_pylist()
        items = self._source.items(map(json.loads, table["entry"].to_pylist()), numbers[0])
        detail = Detail.FEATURES if work.embeddings else Detail.LOGITS
        make = partial(row, top_k=work.top_k, embeddings=work.embeddings)
        made = classify(items, self._classifier, self._threads(), detail, make)
        rows = [{**each, _NUMBER: number} for each, number in zip(made, numbers, strict=True)]
        return pa.Table.from_pylist(rows, self._columns)

    def _threads(self) -> Threads:
        if self._source.waits:
            return Threads(WAITING, 1, _GROUP)
        count = self._work.settings.compute_thread_count + 1
        return Threads(count, self._work.settings.batch_limit, 2 * count)


def classified(entries: Iterator[Entry], start: int, work: Work) -> Generator[Row, None, None]:
    """The rows of these entries, in their order; `start` entries were left out before them."""
    settings = work.settings
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    connect(settings.ray_address)
    try:
        for part in iter(lambda: list(islice(entries, _AT_ONCE)), []):
            for found in _computed(part, start, work):
                yield from found.drop_columns([_NUMBER]).to_pylist()
            start += len(part)
    except RayError as error:
        raise SetupError(f"{_reason(error)}; the same command goes on from there") from error
    finally:
        ray.shutdown()


def _computed(entries: list[Entry], start: int, work: Work) -> Iterable[pa.Table]:
    settings = work.settings
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    listed = [{_NUMBER: number, "entry": json.dumps(entry)} for number, entry in enumerate(entries, start)]
    rows = ray.data.from_items(listed, override_num_blocks=math.ceil(len(listed) / _GROUP)).map_batches(
        _Classifying,
        fn_constructor_args=(work,),
        batch_size=_GROUP,
        batch_format="pyarrow",
        num_cpus=settings.ray_cpus,
        num_gpus=settings.ray_gpus,
        concurrency=(1, _actors(settings)),
    )
    return rows.iter_batches(batch_size=None, batch_format="pyarrow")


def _actors(settings: Settings) -> int:
    """As many as there is room for beside what runs on the cluster already."""
    if settings.ray_max_replicas:
        return settings.ray_max_replicas
    wanted = {"CPU": settings.ray_cpus, "GPU": settings.ray_gpus}
    free: dict[str, float] = ray.available_resources()  # type: ignore[no-untyped-call]
    room = int(min(free.get(name, 0.0) // count for name, count in wanted.items() if count))
    if not room:
        raise SetupError(
            f"the Ray cluster at {settings.ray_address} has no room for {settings.ray_cpus:g} CPU(s) and "
            f"{settings.ray_gpus:g} GPU(s): set RAY_CPUS and RAY_GPUS; RAY_MAX_REPLICAS=1 waits until there is room"
        )
    return room


def _with_numbers(columns: pa.Schema) -> pa.Schema:
    return columns.append(pa.field(_NUMBER, pa.int64()))


def _reason(error: BaseException) -> str:
    """The error of an actor is the cause of Ray's own."""
    found: BaseException | None = error
    while found is not None:
        cause: Any = getattr(found, "cause", None) or found.__cause__
        if isinstance(found, SetupError):
            return str(found)
        found = cause
    return f"the Ray cluster has failed: {first_line(error)}"
