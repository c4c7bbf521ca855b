"""Clients that ask a service all the time, while something happens to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Lock
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def asking(clients: Sequence[Callable[[], T]], pause: float = 0.0) -> Iterator[Counter[T]]:
    """Counts what they are told. An error that a client meets is raised in the end."""
    ended, seen, lock = Event(), Counter[T](), Lock()

    def run(ask: Callable[[], T]) -> None:
        while not ended.wait(pause):
            answer = ask()
            with lock:
                seen[answer] += 1

    with ThreadPoolExecutor(len(clients)) as pool:
        running = [pool.submit(run, ask) for ask in clients]
        try:
            yield seen
        finally:
            ended.set()
    for each in running:
        each.result()
