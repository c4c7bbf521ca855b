"""Reports progress on stderr: a line for each step with its seconds, and a bar for a download."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..progress import say


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


@contextmanager
def download_bar() -> Iterator[type[Any]]:
    """A class from which the hub's client makes its progress bars; of the three it wants, only the bytes are shown.

    The bars are closed at the end: the client leaves that to the garbage collector.
    """
    from huggingface_hub.utils.tqdm import tqdm  # takes half a second, which `--if-missing` has no use for

    bars: list[tqdm] = []

    class Bar(tqdm):
        def __init__(self, *args: Any, **options: Any) -> None:
            # The other two count files, and bytes before they are unpacked.
            if options.get("unit") != "B" or "transfer" in options.get("name", ""):
                options["disable"] = True
            super().__init__(  # type: ignore[no-untyped-call]
                *args, **{**options, "desc": "  downloading", "leave": False}
            )
            bars.append(self)

        def set_description(self, *_: Any, **__: Any) -> None:
            """Keeps the description; the client would change it to `reconstruction`."""

        set_description_str = set_description

    try:
        yield Bar
    finally:
        for bar in bars:
            bar.close()
