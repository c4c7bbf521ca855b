"""A server that sends the next of its answers on each connection, whatever it receives."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def response(status: int, body: bytes = b"{}") -> bytes:
    return f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


@contextmanager
def scripted_server(answers: list[bytes]) -> Iterator[str]:
    """Takes the answers from the list, and stops listening when there are none; yields its URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener:
            while answers:
                with listener.accept()[0] as connection:
                    connection.recv(100_000)
                    connection.sendall(answers.pop(0))

    url = f"http://127.0.0.1:{listener.getsockname()[1]}/predict"
    thread = threading.Thread(target=serve)
    thread.start()
    yield url
    thread.join()
