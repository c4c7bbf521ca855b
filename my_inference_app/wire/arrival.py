"""The bytes of a connection's next request, gathered until a thread can answer it without waiting for more.

Who sends slowly, or half a request, takes up a connection then, and no thread.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass

from .framing import Steps, follow

_STEP = 1 << 18
_STEPS = 4
"""How often one connection is read from before the others have their turn."""

_PATIENCE = 5.0


@dataclass
class Held:
    """How many bytes all connections of a worker have gathered."""

    size: int = 0


class Arrival:
    """What gunicorn's parser takes for the socket."""

    def __init__(self, client: socket.socket, most: int, held: Held) -> None:
        self._client = client
        self._most = most
        self._held = held
        self._counted = 0
        self.begin(b"")

    def begin(self, data: bytes) -> None:
        """For the next request, of which this much came in with the one before."""
        self.release()
        self._data = bytearray(data)
        self._count(len(data))
        self._given = 0
        self._steps: Steps = follow(self._data, self._most, self._go_on)
        self.whole = False
        self.reads_on = False
        """Set where memory has run out: the thread itself reads the rest from the socket."""

    def gather(self) -> bool:
        """Takes in what is there. True if a thread can go on: with all of it, or with enough to refuse it."""
        for _ in range(_STEPS):
            if self._ready():
                return True
            try:
                data = self._client.recv(_STEP, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return False
            except OSError:
                data = b""
            if not data:
                return True  # the client is gone; the parser finds that out
            self._data += data
            self._count(len(data))
        return self._ready()

    def _ready(self) -> bool:
        try:
            next(self._steps)
        except StopIteration as end:
            self.whole = end.value
            return True
        return False

    def _go_on(self) -> None:
        with suppress(OSError):
            self._client.send(b"HTTP/1.1 100 Continue\r\n\r\n", socket.MSG_DONTWAIT)

    def startswith(self, beginnings: tuple[bytes, ...]) -> bool:
        return self._data.startswith(beginnings)

    def recv(self, size: int) -> bytes:
        """For the parser. Nothing means to it that nothing more will come."""
        data = bytes(memoryview(self._data)[self._given : self._given + size])
        self._given += len(data)
        if data or not self.reads_on:
            return data
        self._client.settimeout(_PATIENCE)
        with suppress(TimeoutError):
            return self._client.recv(size)
        return b""

    def rest(self) -> bytes:
        """What the parser has not taken: the beginning of another request."""
        return bytes(self._data[self._given :])

    def release(self) -> None:
        self._count(-self._counted)
        self._data = bytearray()

    def _count(self, size: int) -> None:
        self._counted += size
        self._held.size += size
