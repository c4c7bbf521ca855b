"""Shares a worker's memory between the large images that are decoded at the same time.

A file of some KB can be an image of 50 million pixels, which takes up to 400 MB to decode. As many of them as there are
threads would take all memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from ... import resources
from ...errors import Overloaded
from ...settings import Settings
from ..waiting import Patience

LARGE = 4_000_000
"""Images with fewer pixels are not counted."""

# An image with transparency, or in a format that is decoded into a buffer of its own, is held twice in 4 bytes a pixel.
_BYTES_PER_PIXEL = 8
_SHARE_OF_MEMORY = 4


class DecodeBudget:
    """The pixels that may be decoded at the same time, first come, first served."""

    def __init__(self, pixels: int, most_waiting: int) -> None:
        self._all = self._free = pixels
        self._most_waiting = most_waiting
        self._waiting: deque[object] = deque()
        self._changed = Condition()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @contextmanager
    def reserve(self, pixels: int, patience: Patience) -> Iterator[None]:
        """Waits until there is room for so many pixels. An image larger than the whole budget is decoded alone."""
        if pixels < LARGE:
            yield
            return
        taken = min(pixels, self._all)
        self._take(taken, patience)
        try:
            yield
        finally:
            with self._changed:
                self._free += taken
                self._changed.notify_all()

    def _take(self, pixels: int, patience: Patience) -> None:
        ticket = object()
        with self._changed:
            if not self._waiting and pixels <= self._free:
                self._free -= pixels
                return
            if len(self._waiting) >= self._most_waiting:
                raise Overloaded("too many large images at once: try again in a moment, or make them smaller")
            self._waiting.append(ticket)
        while not self._has_turn(ticket, pixels, patience.until_next_look()):
            if over := patience.look():
                self._leave(ticket)
                raise over

    def _has_turn(self, ticket: object, pixels: int, timeout: float) -> bool:
        with self._changed:
            turn = self._changed.wait_for(lambda: self._waiting[0] is ticket and pixels <= self._free, timeout)
            if turn:
                self._waiting.popleft()
                self._free -= pixels
                self._changed.notify_all()  # there may be room for the next one too
            return turn

    def _leave(self, ticket: object) -> None:
        with self._changed:
            self._waiting.remove(ticket)
            self._changed.notify_all()


def budget_of_worker(settings: Settings) -> DecodeBudget:
    """A share of the memory, and not more of the largest images at once than the worker has cores to decode them.

    Half of the threads may wait: the others are left to usual images.
    """
    share = resources.memory() // settings.worker_count // _SHARE_OF_MEMORY
    pixels = min(share // _BYTES_PER_PIXEL, settings.compute_thread_count * settings.max_pixels)
    return DecodeBudget(pixels, most_waiting=max(1, settings.threads // 2))
