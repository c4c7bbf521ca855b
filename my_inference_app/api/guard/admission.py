"""Until when a request is worth answering, and whether its client is still there."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from flask import Request, current_app, g, request

from ... import metrics
from ...errors import DeadlineExceeded
from ...settings import Settings

_NGINX_WAITS = 10.0
"""Seconds that nginx waits at most in addition to REQUEST_TIMEOUT: 5 to connect, 5 for the app to refuse by itself."""


def refuse_late() -> None:
    """Refuses a request that waited for a thread until its time was over, before anything is computed."""
    settings: Settings = current_app.extensions["settings"]
    waited = seconds_waited(request, settings.request_timeout)
    g.deadline = time.monotonic() + settings.request_timeout - waited
    if waited:
        metrics.wait_seconds.observe(waited)
    if waited >= settings.request_timeout:
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


def abandoned(request: Request) -> Callable[[], bool]:
    """A function that tells whether the client has hung up. nginx hangs up as soon as its own client has.

    A client that only announces the end of its request, as `nc -N` does and nginx never, looks the same: if its request
    has to wait for its turn, it is not computed.
    """
    # WSGI servers pass the connection on under their own name.
    connection: socket.socket | None = next((v for k, v in request.environ.items() if k.endswith(".socket")), None)

    def is_gone() -> bool:
        if connection is None:
            return False
        try:
            return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    return is_gone
