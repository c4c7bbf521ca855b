"""Sends one request to one address and reads the response, within a time and a size that the server cannot exceed."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPResponse
from typing import Any

from .addresses import Address, Refused, Target

_MAX_HEAD = 1 << 16
_MAX_TRIES = 8


def seconds_left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the time is up")
    return seconds


def connect(addresses: Sequence[Address], port: int, deadline: float) -> socket.socket:
    """Connects to the first address that accepts. A dead address uses up its share of the time only."""
    tried = addresses[:_MAX_TRIES]  # a name may have thousands of addresses
    for number, address in enumerate(tried):
        with suppress(OSError):
            return _open(address, port, seconds_left(deadline) / (len(tried) - number))
    raise ConnectionError("no address accepts a connection")


def _open(address: Address, port: int, seconds: float) -> socket.socket:
    sock = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.connect((str(address), port))
    except OSError:
        sock.close()
        raise
    return sock


def send_request(
    sock: socket.socket, target: Target, deadline: float, limit: int, headers: Mapping[str, str]
) -> HTTPResponse:
    # A target contains no white space and no control characters: see addresses.py. Headers come from settings.
    further = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"GET {target.path} HTTP/1.1\r\nHost: {target.authority}\r\nUser-Agent: my_inference_app\r\n"
        f"Accept: image/*\r\nAccept-Encoding: identity\r\nConnection: close\r\n{further}\r\n"
    )
    sock.settimeout(seconds_left(deadline))
    sock.sendall(head.encode())
    # An eighth more for the sizes between the chunks.
    response = HTTPResponse(_Wire(sock, deadline, limit + limit // 8 + _MAX_HEAD), method="GET")  # type: ignore[arg-type]
    response.begin()
    return response


def read_body(response: HTTPResponse, limit: int) -> bytes:
    length = response.length
    if response.status != 200:
        raise Refused(f"status {response.status}")
    # A small compressed body can unpack into a huge one. The request said identity.
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise Refused("the response is compressed")
    if length is not None and length > limit:
        raise Refused(f"{length} bytes")
    data = response.read(limit + 1)
    if len(data) > limit or not data:
        raise Refused("too many bytes" if data else "no bytes")
    if length is not None and len(data) < length:
        raise Refused(f"{len(data)} of {length} bytes")
    return data


class _Wire(io.RawIOBase):
    """The stream that HTTPResponse reads from, with a deadline and a limit of bytes for the whole response.

    A socket timeout alone starts again with every byte, and a response with malformed chunks is read without end.
    """

    def __init__(self, sock: socket.socket, deadline: float, limit: int) -> None:
        self._sock, self._deadline, self._left = sock, deadline, limit

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(seconds_left(self._deadline))
        count = self._sock.recv_into(buffer)
        self._left -= count
        if self._left < 0:
            raise Refused("too many bytes")
        return count
