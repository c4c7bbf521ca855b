"""Reads, decodes and classifies images on several threads, in order and with little in memory."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from ..errors import ModelFailed, ServiceError, SetupError, first_line
from ..inference.answers import Detail, Result
from ..inference.classifier import Classifier
from .item import FileUnreadable, Item

Outcome = Result | ServiceError

T = TypeVar("T")


@dataclass(frozen=True)
class Threads:
    count: int
    at_once: int
    """Images that a thread reads and decodes before it has them computed together."""
    ahead: int
    """How many groups of so many images may be in progress, or done and waiting for an earlier one."""


def classify(
    items: Iterator[Item],
    classifier: Classifier,
    threads: Threads,
    detail: Detail,
    make: Callable[[Item, Outcome], T],
) -> Generator[T, None, None]:
    """What `make` makes of every image and its result or error, in the order of the items.

    While one thread computes, the others read and decode. The classifier makes batches of what they have ready.
    """

    def made(group: Sequence[Item]) -> list[T]:
        return [make(item, outcome) for item, outcome in zip(group, _outcomes(group, classifier, detail), strict=True)]

    pool = ThreadPoolExecutor(threads.count, "batch")
    pending: deque[Future[list[T]]] = deque()
    try:
        while group := list(islice(items, threads.at_once)):
            pending.append(pool.submit(made, group))
            while len(pending) >= threads.ahead or (pending and pending[0].done()):
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _outcomes(group: Sequence[Item], classifier: Classifier, detail: Detail) -> list[Outcome]:
    contents = [_content(item) for item in group]
    found = [content for content in contents if isinstance(content, bytes)]
    outcomes = classifier.classify(found, math.inf, detail=detail).outcomes if found else ()
    failures = [outcome for outcome in outcomes if isinstance(outcome, ModelFailed)]
    if len(failures) > 1 and len(failures) == len(found):
        # One image may be at fault. If all are, the model would fail for the rest of the source too.
        cause = failures[0].__cause__
        raise SetupError(
            f"{failures[0] if cause is None else cause}: the model failed at {group[0].path!r} and all images close "
            "behind; what was classified before is kept, and the same command goes on from there"
        )
    classified = iter(outcomes)
    return [content if isinstance(content, ServiceError) else next(classified) for content in contents]


def _content(item: Item) -> bytes | ServiceError:
    try:
        return item.read()
    except ServiceError as error:
        return error
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
        return FileUnreadable(f"the file cannot be read: {reason}")
