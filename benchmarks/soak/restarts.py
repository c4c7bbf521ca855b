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


class NotRestarted(Exception):
    """A worker was not replaced, or requests have no answer after a restart."""


def restart(target: Target, service: psutil.Process, pause: float) -> None:
    """Signals only the service and its descendants."""
    try:
        gunicorn = gunicorn_of(service)
        old = set(gunicorn.children())
        service.send_signal(signal.SIGHUP)
        target.counts.reloads += 1
        _until(lambda: _replaced(gunicorn, old), "the reload did not replace the workers")
        _recover(target, pause)
        victim = gunicorn.children()[0]
        victim.kill()
        target.counts.kills += 1
        _until(lambda: _replaced(gunicorn, {victim}), "no worker replaced the one that was killed")
        _recover(target, pause)
    except (NotRestarted, psutil.Error, LookupError, StopIteration) as error:
        target.counts.add("restarts", Verdict("lost", str(error) or "gunicorn has no workers"))


def _replaced(gunicorn: psutil.Process, old: set[psutil.Process]) -> bool:
    now = set(gunicorn.children())
    return len(now) == WORKERS and not now & old


def _recover(target: Target, pause: float) -> None:
    """Waits until every request that was in progress has its response, and others after them.

    nginx sends a request again if its worker died, but only once: the next worker that is killed must not have it.
    """
    hit = target.counts.without_answer()
    enough = target.counts.answered.total() + _ANSWERS_BETWEEN
    target.stop.wait(pause)
    _until(
        lambda: (
            target.stop.is_set()
            or not (hit & target.counts.without_answer() or target.counts.answered.total() < enough)
        ),
        "requests had no answer long after a restart",
    )


def _until(condition: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise NotRestarted(otherwise)
        time.sleep(0.1)
