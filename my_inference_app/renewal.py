"""Replaces all workers by new ones that load the bundles as they are now, without a moment in which none is warm.

A reload stops the old workers while the new ones still load, so requests wait meanwhile. Here the old ones stop when
the new ones are ready. gunicorn adds a worker for SIGTTIN, and ends the oldest for SIGTTOU.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

from . import shared_folder
from .reloading import loads
from .settings import Settings

_LOOK = 0.05
_NICE = 19
"""How little priority the process has that tries to load the bundles."""
_STARTING = 60.0
"""Seconds in addition to LOAD_TIMEOUT."""

workers: set[Any] = set()
"""Those that there are. gunicorn's configuration keeps this up, here because it is itself read again on a reload."""


def renew(settings: Settings, send: Callable[[int], None]) -> str:
    """Returns when no worker is left that has the bundles of before. Says why it cannot."""
    if reason := loads(settings, {}, nice=_NICE):
        return reason
    old, patience = list(workers), settings.load_timeout + _STARTING
    warm = True
    for _ in old:  # one after the other, so that cores are left to the requests
        _change(send, signal.SIGTTIN, patience)
        warm = _comes_true(lambda: len(_ready()) > len(old), patience) and warm
        _change(send, signal.SIGTTOU, settings.grace_timeout + patience)
    return "" if warm and workers.isdisjoint(old) else "error: the new workers were not ready in time"


def _change(send: Callable[[int], None], number: int, patience: float) -> None:
    """Returns when gunicorn has carried out the signal."""
    before = len(workers)
    send(number)
    _comes_true(lambda: len(workers) != before, patience)


def _ready() -> list[Any]:
    return [worker for worker in list(workers) if shared_folder.is_ready(worker.pid)]


def _comes_true(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK)
    return True
