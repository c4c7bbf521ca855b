"""One image of a source, and the contract of sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import PayloadTooLarge, ServiceError

Entry = Any
"""JSON: what a source notes of an image to find it again, even in another run."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp")


class FileUnreadable(ServiceError):
    """Appears in results only."""

    status = 422
    code = "file_unreadable"


@dataclass(frozen=True)
class Item:
    path: str
    """As the results name it."""
    read: Callable[[], bytes]
    """Raises OSError or ServiceError."""


class Source(Protocol):
    @property
    def identity(self) -> str:
        """Differs when the source is another one, or was changed in a way that would mix up its images."""

    @property
    def waits(self) -> bool:
        """Whether reading is mostly waiting for others, so that many images should be read at once."""

    def entries(self) -> Iterator[Entry]: ...

    def items(self, entries: Iterable[Entry], start: int) -> Iterator[Item]:
        """The images of these entries; `start` entries were left out before them."""


def check_size(size: int, most: int) -> None:
    if size > most:
        raise PayloadTooLarge(f"the image has {size:,} bytes, more than the {most:,} allowed: set MAX_UPLOAD_MB")
