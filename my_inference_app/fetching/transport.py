"""One question to one address, and the answer: within a time and a number of bytes, whatever the other side does."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPResponse
from typing import Any

from .addresses import Address, Refused, Target

_MOST_HEAD = 1 << 16
_MOST_TRIES = 8


def seconds_left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the time is up")
    return seconds


def connect(addresses: Sequence[Address], port: int, deadline: float) -> socket.socket:
    """To the first address that takes a connection; a dead one leaves time for the others."""
    tried = addresses[:_MOST_TRIES]  # a name may have thousands, none of them its owner's
    for number, address in enumerate(tried):
        with suppress(OSError):
            return _open(address, port, seconds_left(deadline) / (len(tried) - number))
    raise ConnectionError("no address takes a connection")


def _open(address: Address, port: int, seconds: float) -> socket.socket:
    sock = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.connect((str(address), port))
    except OSError:
        sock.close()
        raise
    return sock


def ask(sock: socket.socket, target: Target, deadline: float, most: int) -> HTTPResponse:
    # There is no white space and no control character in a target: see addresses.py.
    head = (
        f"GET {target.path} HTTP/1.1\r\nHost: {target.authority}\r\nUser-Agent: my_inference_app\r\n"
        "Accept: image/*\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n"
    )
    sock.settimeout(seconds_left(deadline))
    sock.sendall(head.encode())
    # An eighth more for the sizes that stand between chunks.
    response = HTTPResponse(_Wire(sock, deadline, most + most // 8 + _MOST_HEAD), method="GET")  # type: ignore[arg-type]
    response.begin()
    return response


def body(response: HTTPResponse, most: int) -> bytes:
    length = response.length
    if response.status != 200:
        raise Refused(f"status {response.status}")
    # Unpacking is a way to make much out of little; identity was asked for.
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise Refused("the answer is compressed")
    if length is not None and length > most:
        raise Refused(f"{length} bytes")
    data = response.read(most + 1)
    if len(data) > most or not data:
        raise Refused("too many bytes" if data else "no bytes")
    if length is not None and len(data) < length:
        raise Refused(f"{len(data)} of {length} bytes")
    return data


class _Wire(io.RawIOBase):
    """What HTTPResponse reads from.

    A timeout alone begins anew with every byte that drips in, and an answer with bad chunks is read without end.
    """

    def __init__(self, sock: socket.socket, deadline: float, most: int) -> None:
        self._sock, self._deadline, self._most = sock, deadline, most

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(seconds_left(self._deadline))
        count = self._sock.recv_into(buffer)
        self._most -= count
        if self._most < 0:
            raise Refused("too many bytes")
        return count
