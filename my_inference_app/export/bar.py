"""One progress bar for what is fetched from the hub, instead of its client's three."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from huggingface_hub.utils.tqdm import tqdm


@contextmanager
def bar_of_bytes() -> Iterator[type[tqdm]]:
    """A class for the client to make its bars of. They are gone at the end: it leaves that to the garbage collector."""
    bars: list[tqdm] = []

    class Bar(tqdm):
        def __init__(self, *args: Any, **options: Any) -> None:
            # The others count files, and bytes before they are unpacked.
            if options.get("unit") != "B" or "transfer" in options.get("name", ""):
                options["disable"] = True
            super().__init__(  # type: ignore[no-untyped-call]
                *args, **{**options, "desc": "  downloading", "leave": False}
            )
            bars.append(self)

        def set_description(self, *_: Any, **__: Any) -> None:
            """Stays what it is; the client calls it reconstruction."""

        set_description_str = set_description

    try:
        yield Bar
    finally:
        for bar in bars:
            bar.close()
