"""Bytes over a socket, as no HTTP library would send them, and the answers that come back."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The error's; empty where there is none. Every error has the one shape."""
        if self.status < 400:
            return ""
        error = json.loads(self.body)
        assert self.headers["content-type"] == "application/json", self
        assert set(error) == {"success", "error", "request_id"} and error["success"] is False, self
        assert error["error"]["message"] and "\n" not in error["error"]["message"], self
        assert error["request_id"] == self.headers["x-request-id"], self
        return str(error["error"]["code"])


def connect(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=60)


def send(url: str, data: bytes, hang_up: bool = False) -> bytes:
    """All that comes back until the server closes the connection; it is told to once it has begun to answer."""
    with connect(url) as connection:
        with suppress(ConnectionError):  # refused before all of it was sent
            connection.sendall(data)
        return read(connection, hang_up)


def read(connection: socket.socket, hang_up: bool = False) -> bytes:
    received = b""
    with suppress(ConnectionError):
        while data := connection.recv(65_536):
            received += data
            if hang_up and b"HTTP/1.1 100" not in data:
                connection.shutdown(socket.SHUT_WR)
                hang_up = False
    return received


def answers(received: bytes, head_only: bool = False) -> list[Answer]:
    """The answers one after the other; nothing may be left over."""
    found = []
    while received:
        head, end, received = received.partition(b"\r\n\r\n")
        assert end and head.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")), head
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split()[1])
        length = len(received) if "content-length" not in headers else int(headers["content-length"])
        length = 0 if status < 200 or (head_only and status == 200) else length
        assert len(received) >= length, (first, length, received)
        found.append(Answer(status, headers, received[:length]))
        received = received[length:]
    return found


def last_of(url: str, data: bytes) -> Answer:
    """The one answer to one request, behind those that say to go on."""
    *before, last = answers(send(url, data, hang_up=True), head_only=data.startswith(b"HEAD "))
    assert all(answer.status == 100 for answer in before), before
    return last
