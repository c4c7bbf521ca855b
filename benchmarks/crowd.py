"""Many clients that send a request at the same moment."""

from __future__ import annotations

import json
import resource
import selectors
import socket
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Crowd:
    """How many responses had which status, and the seconds until the last of them. 0 stands for no response."""

    statuses: Counter[int] = field(default_factory=Counter)
    last: dict[int, float] = field(default_factory=dict)

    def add(self, response: bytes, seconds: float) -> None:
        status = _status(response)
        self.statuses[status] += 1
        self.last[status] = seconds


@dataclass
class _Client:
    connection: socket.socket
    unsent: memoryview
    received: bytearray = field(default_factory=bytearray)

    def go_on(self, events: int) -> bool:
        """Sends and receives as much as possible now. False when the server has closed the connection."""
        try:
            if events & selectors.EVENT_WRITE and self.unsent:
                self.unsent = self.unsent[self.connection.send(self.unsent) :]
            if events & selectors.EVENT_READ:
                received = self.connection.recv(65536)
                self.received += received
                return bool(received)
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True


def at_once(url: str, body: bytes, count: int, patience: float = 120) -> Crowd:
    """Connects `count` clients, sends with all of them, and returns when all have a response or patience is over."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    parts = urlsplit(url)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    request = memoryview(head.encode() + body)
    found = Crowd()
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(count):
            try:
                connection = stack.enter_context(socket.create_connection((parts.hostname, parts.port), patience))
            except OSError:
                found.statuses[0] += 1
                continue
            connection.setblocking(False)
            client = _Client(connection, request)
            selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE, client)
        _drive(selector, found, patience)
        found.statuses[0] += len(selector.get_map())
    return found


def _drive(selector: selectors.BaseSelector, found: Crowd, patience: float) -> None:
    began = time.monotonic()
    while selector.get_map() and (passed := time.monotonic() - began) < patience:
        for key, events in selector.select(patience - passed):
            client: _Client = key.data
            if not client.go_on(events):
                selector.unregister(key.fileobj)
                found.add(bytes(client.received), time.monotonic() - began)
            elif not client.unsent and key.events & selectors.EVENT_WRITE:
                selector.modify(key.fileobj, selectors.EVENT_READ, client)


def _status(response: bytes) -> int:
    """0 if the response is missing or incomplete."""
    head, _, body = response.partition(b"\r\n\r\n")
    try:
        json.loads(body)
        return int(head.split()[1])
    except (ValueError, IndexError):
        return 0
