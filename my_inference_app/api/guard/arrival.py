"""When a request came in, and whether its client is still there."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from flask import Request

_NGINX_WAITS = 10.0
"""Seconds that nginx waits at most in addition to REQUEST_TIMEOUT: 5 to connect, 5 for the app to say no by itself."""


def seconds_on_the_way(request: Request, request_timeout: float) -> float:
    """How long ago nginx sent this request on: under load it has waited for a thread.

    The one time that is told by the clock on the wall, as two processes share no other, and that clock may be set in
    between. So only an age that can be is believed: nginx has given up an older request, and none is from the future.
    """
    try:
        waited = time.time() - float(request.headers.get("X-Request-Start", ""))
    except ValueError:
        return 0.0
    return waited if 0 <= waited <= request_timeout + _NGINX_WAITS else 0.0


def abandoned(request: Request) -> Callable[[], bool]:
    """Asks whether the client has hung up. nginx does as soon as its own client has.

    A client that only says it has nothing more to send, as `nc -N` does and nginx never, looks just the same: where its
    request has to wait for its turn, it is not computed.
    """
    connection: socket.socket | None = request.environ.get("gunicorn.socket")

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
