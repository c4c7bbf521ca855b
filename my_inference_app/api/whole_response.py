"""Sends a response's headers and its body as one piece.

WSGI servers write them one after the other. If a worker is killed in between, nginx has passed on half a response, too
late to ask another worker. So the system keeps the headers until the body is there, and drops them if the worker dies.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress

from flask import Response, request

from .connection import connection_of

_DROP, _KEEP = struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)
# Only Linux has it. Elsewhere responses are sent as the server does it.
_CORK: int | None = getattr(socket, "TCP_CORK", None)


def send_as_one_piece(response: Response) -> Response:
    connection = connection_of(request)
    if connection is None or _CORK is None:
        return response
    with suppress(OSError):  # the client is gone
        connection.setsockopt(socket.IPPROTO_TCP, _CORK, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DROP)

    @response.call_on_close
    def send() -> None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _KEEP)
            connection.setsockopt(socket.IPPROTO_TCP, _CORK, 0)

    return response
