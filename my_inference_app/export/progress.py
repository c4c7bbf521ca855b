"""Telling the user what goes on, on stderr: a line per step, with its seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST_LINE = 200


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    say(f"  {text:<44} {time.perf_counter() - started:6.1f} s")


def first_line(error: Exception) -> str:
    """Libraries explain at length; the beginning of the first line says what is wrong."""
    line = (str(error).strip() or repr(error)).splitlines()[0]
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}..."
