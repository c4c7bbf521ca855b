"""The connection that a request came in on."""

from __future__ import annotations

import socket
from collections.abc import Callable

from flask import Request


def connection_of(request: Request) -> socket.socket | None:
    """WSGI servers pass the connection on under a name of their own. None in tests and elsewhere."""
    return next((value for name, value in request.environ.items() if name.endswith(".socket")), None)


def abandoned(request: Request) -> Callable[[], bool]:
    """A function that tells whether the client has hung up. nginx hangs up as soon as its own client has.

    A client that only announces the end of its request, as `nc -N` does and nginx never, looks the same: if its request
    has to wait for its turn, it is not computed.
    """
    connection = connection_of(request)

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
