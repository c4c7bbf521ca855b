"""One job: a source, the file that gets the results, and how to go on where an earlier run stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

from ..errors import SetupError
from ..inference.answers import Detail
from ..progress import Progress, say
from ..settings import Settings
from .classify import Threads, classify
from .item import Entry, Source
from .model import WAITING, Loaded, load, settings_of_one_process, settings_on_ray, workers_for
from .sources import FORMS, find
from .table import Row, row, schema, shown
from .unfinished import Unfinished, identity_of_result

_MOST_ROWS = 4096
"""In one part. Rows with embeddings take some KB each."""
_WAITING_AHEAD = 1024


@dataclass(frozen=True)
class Job:
    source: Path
    out: Path
    top_k: int = 5
    embeddings: bool = False
    column: str = ""
    save_every: float = 5.0
    """Seconds."""
    ray: str = ""
    """The address of a Ray cluster that computes."""


def run(job: Job, settings: Settings) -> None:
    settings = settings_of_one_process(settings)
    source = find(job.source, settings, job.column)
    if not job.out.parent.is_dir():
        raise SetupError(f"there is no folder {job.out.parent} for the results: make it first")
    loaded = load(settings, embeddings=job.embeddings)
    identity = _identity(job, source, loaded)
    work = Unfinished(job.out)
    with work.locked():
        if _is_finished(job.out, identity):
            work.remove()
            say(f"{job.out} has all results already: remove it to classify the images again")
            return
        _go_on(job, source, loaded, settings, work, identity)


def _identity(job: Job, source: Source, loaded: Loaded) -> dict[str, str]:
    options = {"source": shown(source.identity), "top_k": str(job.top_k), "embeddings": str(job.embeddings).lower()}
    return {**loaded.identity, **options}


def _is_finished(out: Path, identity: Mapping[str, str]) -> bool:
    found = identity_of_result(out)
    if found is not None and _difference(found, identity):
        raise SetupError(f"{out} exists, and was not made by this command: remove it, or give another --out")
    return found is not None


def _difference(found: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """The first of the wanted values that was another one."""
    return next((key for key, value in wanted.items() if found.get(key) != value), "")


def _go_on(
    job: Job, source: Source, loaded: Loaded, settings: Settings, work: Unfinished, identity: Mapping[str, str]
) -> None:
    started = work.started() or work.start(identity, source.entries(), lambda count: say(f"{count:,} images listed"))
    if not started.count:
        work.remove()
        raise SetupError(f"there are no images in {job.source}: SOURCE is {FORMS}")
    if key := _difference(started.identity, identity):
        raise SetupError(
            f"{work.folder} is the unfinished result of another command, with {key} {started.identity.get(key)!r} "
            f"instead of {identity[key]!r}: finish that one, remove the folder, or give another --out"
        )
    done = work.done()
    if done:
        say(f"going on behind the first {done:,} of {started.count:,} images")
    columns = schema(identity, embeddings=job.embeddings)
    progress = Progress(done, started.count)
    detail = Detail.FEATURES if job.embeddings else Detail.LOGITS
    make = partial(row, top_k=job.top_k, embeddings=job.embeddings)
    items = source.items(work.entries(done), done)
    if job.ray:
        made = _on_ray(job, source, loaded, settings, work.entries(done), done)
    else:
        made = classify(items, loaded.classifier, _threads(source, settings), detail, make)
    with closing(made) as rows:
        _save_all(rows, job.save_every, partial(work.save, columns), progress, done)
    if (found := work.done()) != started.count:
        raise SetupError(f"{work.folder} has {found:,} of {started.count:,} rows: remove it to start again")
    progress.end()
    work.finish(columns)


def _on_ray(
    job: Job, source: Source, loaded: Loaded, settings: Settings, entries: Iterator[Entry], done: int
) -> Generator[Row, None, None]:
    try:
        module = import_module(".on_ray", __package__)
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise SetupError("Ray is missing: install it with `pip install -r requirements/ray.txt`") from None
    work = module.Work(
        job.source.resolve(),
        job.column,
        source.identity,
        loaded.checksum,
        job.top_k,
        job.embeddings,
        settings_on_ray(settings, job.ray),
    )
    rows: Generator[Row, None, None] = module.classified(entries, done, work)
    return rows


def _threads(source: Source, settings: Settings) -> Threads:
    if source.waits:
        return Threads(WAITING, 1, _WAITING_AHEAD)
    count = workers_for(settings)
    return Threads(count, settings.batch_limit, 2 * count)


def _save_all(
    rows: Iterable[Row], every: float, save: Callable[[list[Row], int], None], progress: Progress, start: int
) -> None:
    """Saves the rows in parts, the last one also if the run is interrupted."""
    waiting: list[Row] = []
    saved = time.monotonic()
    try:
        for made in rows:
            waiting.append(made)
            progress.add(failed=made["error"] is not None)
            if len(waiting) >= _MOST_ROWS or time.monotonic() - saved >= every:
                save(waiting, start)
                saved, start, waiting = time.monotonic(), start + len(waiting), []
    finally:
        if waiting:
            save(waiting, start)
