"""Reports progress on stderr: a line for each step with its seconds, and a bar for a download."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@dataclass
class Step:
    result: str = ""
    """Printed after the seconds."""


@contextmanager
def step(text: str) -> Iterator[Step]:
    started = time.perf_counter()
    done = Step()
    yield done
    say(f"  {text:<40}{time.perf_counter() - started:7.1f} s {done.result:>9}".rstrip())


def megabytes(files: Iterable[Path]) -> str:
    return f"{sum(file.stat().st_size for file in files) / 1e6:.1f} MB"
