"""Until when a request is worth answering."""

from __future__ import annotations

import time

from flask import Request, g, request

from ... import metrics
from ...errors import DeadlineExceeded
from ..context import settings
from ..observation import observation

_NGINX_WAITS = 10.0
"""Seconds that nginx waits at most in addition to REQUEST_TIMEOUT: 5 to connect, 5 for the app to refuse by itself."""


def refuse_late() -> None:
    """Refuses a request that waited for a thread until its time was over, before anything is computed."""
    patience = settings().request_timeout
    waited = observation().waited = seconds_waited(request, patience)
    g.deadline = time.monotonic() + patience - waited
    if waited:
        metrics.wait_seconds.observe(waited)
    if waited >= patience:
        raise DeadlineExceeded("the request waited too long for its turn: try again later")


def seconds_waited(request: Request, request_timeout: float) -> float:
    """How long ago nginx passed this request on. Under load it has waited for a thread since.

    This is the one time read from the wall clock, since two processes share no other, and that clock may be set in
    between. Only a plausible age is believed: nginx has given up an older request, and none comes from the future.
    """
    try:
        waited = time.time() - float(request.headers.get("X-Request-Start", ""))
    except ValueError:
        return 0.0
    return waited if 0 <= waited <= request_timeout + _NGINX_WAITS else 0.0
