"""A worker's life around the app: its first load, its health port, and its end."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from flask import Flask

from . import management, metrics, shared_folder, watchdog
from .errors import SetupError
from .settings import Settings

_log = logging.getLogger(__name__)

# The exit code with which a worker says that another start would not help: the whole service ends.
_GIVE_UP = 4
_TRY_AGAIN = 1
_TRY_AGAIN_AFTER = 5.0
_WARM, _TOLD = "warm", "told"

# Seconds for which a thread keeps the interpreter. Python's default of five milliseconds for each of many threads would
# keep a health check waiting when a thousand requests arrive.
_SWITCH_INTERVAL = 0.001


def start(make_app: Callable[[], Flask]) -> Flask:
    """Makes the app. In a worker of a service, also opens its management port and watches it for hangs."""
    in_service = shared_folder.is_open()
    try:
        app = make_app()
        if in_service:
            _begin(app)
    except Exception as error:
        if in_service and shared_folder.is_marked(_WARM):
            _wait_and_exit(error)
        _give_up(error, silent=in_service and not shared_folder.mark(_TOLD))
    if in_service:
        shared_folder.mark(_WARM)
        shared_folder.mark_ready(os.getpid())
    return app


def _begin(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    sys.setswitchinterval(_SWITCH_INTERVAL)
    is_stopping = noted_stop()
    metrics.worker_starts.inc()
    watchdog.watch(
        app.extensions["in_flight"],
        limit=settings.hang_timeout,
        grace=settings.grace_timeout,
        stop_taking=lambda: os.kill(os.getpid(), signal.SIGTERM),
    )
    management.start(app.extensions["registry"], is_stopping, settings)


def noted_stop() -> Callable[[], bool]:
    """Says whether this worker was told to stop. It knows before the worker stops accepting requests.

    gunicorn may repeat the signal while its handler runs, so the handler takes no lock: an Event has one.
    """
    told: list[int] = []
    stop = signal.getsignal(signal.SIGTERM)

    def on_term(number: int, frame: FrameType | None) -> None:
        told.append(number)
        if callable(stop):
            stop(number, frame)

    signal.signal(signal.SIGTERM, on_term)
    return lambda: bool(told)


def _give_up(error: Exception, silent: bool) -> NoReturn:
    """Ends the service, which has never worked."""
    if not isinstance(error, SetupError):
        raise error
    if not silent:  # one worker says it for all
        print(f"error: {error}", file=sys.stderr)
    sys.exit(_GIVE_UP)


def _wait_and_exit(error: Exception) -> NoReturn:
    """The other workers go on, and this one is started again after a pause."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    known = isinstance(error, SetupError)
    reason = f" ({error})" if known else ""
    _log.error("this worker cannot start%s: it tries again in %g s", reason, _TRY_AGAIN_AFTER, exc_info=not known)
    time.sleep(_TRY_AGAIN_AFTER)
    sys.exit(_TRY_AGAIN)
