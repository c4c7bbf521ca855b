"""Ends a worker in which a computation hangs. gunicorn then starts another.

gunicorn's own timeout watches a worker's main thread, which goes on while the thread of a request hangs.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from . import metrics

_log = logging.getLogger(__name__)
_EXIT_CODE = 1
# Time for responses that are computed but not sent yet.
_SENDING = 0.5


class InFlight:
    """The requests that are being answered in this process, and what is being computed for them.

    Only decoding and the engines count as computing. A request that waits for its turn does not hang.
    """

    def __init__(self, whole: InFlight | None = None) -> None:
        """What is computing in a part is computing in the whole as well."""
        self._whole = whole
        self._started: dict[object, float] = {}

    @contextmanager
    def request(self) -> Iterator[None]:
        with metrics.in_flight.track_inprogress():
            yield

    @contextmanager
    def computing(self) -> Iterator[None]:
        mark = object()
        self._started[mark] = time.monotonic()
        try:
            with self._whole.computing() if self._whole else nullcontext():
                yield
        finally:
            del self._started[mark]

    def hanging(self, seconds: float) -> int:
        """How many computations have been running for longer than this."""
        limit = time.monotonic() - seconds
        return sum(started <= limit for started in list(self._started.values()))

    def computations(self) -> int:
        """How many are running."""
        return len(self._started)


def watch(in_flight: InFlight, *, limit: float, grace: float, stop_taking: Callable[[], None]) -> None:
    """Starts watching, on a thread of its own."""
    threading.Thread(target=_watch, args=(in_flight, limit, grace, stop_taking), name="watchdog", daemon=True).start()


def _watch(in_flight: InFlight, limit: float, grace: float, stop_taking: Callable[[], None]) -> None:
    while not (hanging := in_flight.hanging(limit)):
        time.sleep(min(1.0, limit / 10))
    _log.critical("%d request(s) hang for more than %g s: this worker ends and is replaced", hanging, limit)
    metrics.worker_hangs.inc()
    stop_taking()
    _wait_for_others(in_flight, limit, grace)
    # Not sys.exit: Python would wait for the thread that hangs.
    os._exit(_EXIT_CODE)


def _wait_for_others(in_flight: InFlight, limit: float, grace: float) -> None:
    """Until nothing but what hangs has been computed for a moment, so that the other responses are sent."""
    end = time.monotonic() + grace
    busy = time.monotonic()
    while time.monotonic() < min(end, busy + _SENDING):
        if in_flight.computations() > in_flight.hanging(limit):
            busy = time.monotonic()
        time.sleep(0.05)
