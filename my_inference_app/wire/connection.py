"""A connection of gunicorn's that gathers its requests, and is closed without anybody waiting for its client."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from gunicorn.http import get_parser
from gunicorn.workers.gthread import TConn

from .arrival import Arrival


class Connection(TConn):  # type: ignore[misc]
    def __init__(self, cfg: Any, client: socket.socket, address: Any, server: Any, arrival: Arrival) -> None:
        super().__init__(cfg, client, address, server)
        self.arrival = arrival
        self.parser = get_parser(cfg, arrival, address)
        self.initialized = True  # init() would make a parser that reads from the socket
        self.linger: Callable[[socket.socket], None] = socket.socket.close

    def close(self, graceful: bool = False) -> None:
        self.arrival.release()
        if graceful:
            self.linger(self.sock)
        else:
            super().close()

    def next_request(self) -> None:
        """Leaves what came in behind the last one where gunicorn looks for it."""
        unreader = self.parser.unreader
        unreader.unread(unreader.take_buffered() + self.arrival.rest())
        self.arrival.begin(b"")
