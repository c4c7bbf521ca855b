"""Clients that disturb: too many at once, slow ones, and some that disconnect."""

from __future__ import annotations

import socket
import struct
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPResponse

from .cases import Case
from .clients import BROKEN, TIMEOUT, Target

_SLOW = 20
_PIECES = 8
_RESET = struct.pack("ii", 1, 0)


def all_at_once(target: Target, count: int) -> None:
    """More requests than the service accepts, all sent before the first response is read."""
    _crowd(target, "many at once", count)


def slowly(target: Target, pause: float) -> None:
    """Requests that are sent in pieces, with pauses of so many seconds between them."""
    _crowd(target, "slow senders", _SLOW, _PIECES, pause)


def hanging_up(target: Target) -> None:
    """Clients that disconnect: at once, in the headers, in the middle of the image, before the response."""
    case = target.good[0]
    whole = _request(case, uuid.uuid4().hex)
    for length in (0, 40, len(whole) // 2, len(whole)):
        with suppress(OSError), socket.create_connection(("127.0.0.1", target.port), TIMEOUT) as connection:
            connection.sendall(whole[:length])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)  # closing resets the connection
        target.counts.leave()


def _crowd(target: Target, name: str, count: int, pieces: int = 1, pause: float = 0) -> None:
    case = target.good[0]
    with _connections(target, name, count) as connections:
        requests = {connection: uuid.uuid4().hex for connection in connections}
        for request_id in requests.values():
            target.counts.begin(request_id)
        for number in range(pieces):
            for connection, request_id in requests.items():
                whole = _request(case, request_id)
                size = len(whole) // pieces + 1
                with suppress(OSError):  # _receive() finds out whether there is a response all the same
                    connection.sendall(whole[number * size : (number + 1) * size])
            if number + 1 < pieces:
                target.stop.wait(pause)
        for connection, request_id in requests.items():
            _receive(target, name, case, connection, request_id)


@contextmanager
def _connections(target: Target, name: str, count: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        connections = []
        for _ in range(count):
            try:
                connection = socket.create_connection(("127.0.0.1", target.port), TIMEOUT)
            except OSError as error:
                target.lost(name, error)
            else:
                connections.append(stack.enter_context(connection))
        yield connections


def _receive(target: Target, name: str, case: Case, connection: socket.socket, request_id: str) -> None:
    try:
        response = HTTPResponse(connection, method=case.method)
        response.begin()
        target.judge(name, case, request_id, response)
    except BROKEN as error:
        target.lost(name, error, request_id)


def _request(case: Case, request_id: str) -> bytes:
    lines = (
        f"{case.method} {case.path} HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        f"X-Request-ID: {request_id}",
        f"Content-Type: {case.kind}",
        f"Content-Length: {len(case.body)}",
    )
    return "\r\n".join((*lines, "", "")).encode() + case.body
