"""Ends a worker in which a request hangs; gunicorn then starts another.

gunicorn's own timeout watches a worker's main thread, which is fine while the thread of a request hangs.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from . import metrics

_log = logging.getLogger(__name__)
_EXIT_CODE = 1
# For the answers that are computed, but not sent yet.
_LAST_WORDS = 0.5


class InFlight:
    """The requests that are being answered in this process, and since when."""

    def __init__(self) -> None:
        self._started: dict[int, float] = {}

    @contextmanager
    def request(self) -> Iterator[None]:
        thread = threading.get_ident()
        self._started[thread] = time.monotonic()
        try:
            with metrics.in_flight.track_inprogress():
                yield
        finally:
            del self._started[thread]

    def longer_than(self, seconds: float) -> int:
        """How many have been going on for longer than this."""
        bar = time.monotonic() - seconds
        return sum(started <= bar for started in list(self._started.values()))

    def __len__(self) -> int:
        return len(self._started)


def watch(in_flight: InFlight, *, limit: float, grace: float, stop_taking: Callable[[], None]) -> None:
    """Starts watching, on a thread of its own."""
    threading.Thread(target=_watch, args=(in_flight, limit, grace, stop_taking), name="watchdog", daemon=True).start()


def _watch(in_flight: InFlight, limit: float, grace: float, stop_taking: Callable[[], None]) -> None:
    while not (hanging := in_flight.longer_than(limit)):
        time.sleep(min(1.0, limit / 10))
    _log.critical("%d request(s) hang for more than %g s: this worker ends, another takes its place", hanging, limit)
    metrics.worker_hangs.inc()
    stop_taking()
    end = time.monotonic() + grace
    while len(in_flight) > in_flight.longer_than(limit) and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(_LAST_WORDS)
    # Not sys.exit: Python would wait for the thread that hangs.
    os._exit(_EXIT_CODE)
