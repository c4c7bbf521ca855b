"""Restarts under load: a reload as after an update, then a killed worker."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import psutil

from ..load import gunicorn_of
from .clients import Target
from .judge import Verdict

WORKERS = 2
_PATIENCE = 120
_ANSWERS_BETWEEN = 30


class NotReplaced(Exception):
    """A worker was not replaced."""


def restart(target: Target, service: psutil.Process, pause: float) -> None:
    """Sends signals only to descendants of the service."""
    gunicorn = gunicorn_of(service)
    try:
        old = set(gunicorn.children())
        gunicorn.send_signal(signal.SIGHUP)
        target.counts.reloads += 1
        _until(lambda: _replaced(gunicorn, old), "after the reload the old workers stayed, or no new ones came")
        _wait(target, pause)
        victim = gunicorn.children()[0]
        victim.kill()
        target.counts.kills += 1
        _until(lambda: _replaced(gunicorn, {victim}), "no worker came in the place of the one killed")
        _wait(target, pause)
    except (NotReplaced, psutil.Error, IndexError) as error:
        target.counts.add("restarts", Verdict("lost", str(error) or "gunicorn has no workers"))


def _replaced(gunicorn: psutil.Process, old: set[psutil.Process]) -> bool:
    now = set(gunicorn.children())
    return len(now) == WORKERS and not now & old


def _until(condition: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise NotReplaced(otherwise)
        time.sleep(0.1)


def _wait(target: Target, pause: float) -> None:
    """Waits so long, and until enough requests were answered since the last restart."""
    target.stop.wait(pause)
    bar = target.counts.sent + _ANSWERS_BETWEEN
    end = time.monotonic() + _PATIENCE
    while target.counts.sent < bar and not target.stop.wait(0.1) and time.monotonic() < end:
        pass
