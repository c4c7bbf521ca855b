"""A web server for tests. It sends exactly the bytes it is given, valid or not."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Event, Thread
from typing import Any

from my_inference_app.settings.parsing import hosts_and_networks

Answer = bytes | Callable[[], Iterable[bytes]]


def http(body: bytes, *headers: str, status: str = "200 OK", length: bool = True) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, *([f"Content-Length: {len(body)}"] if length else []), "", ""]
    return "\r\n".join(lines).encode() + body


def moved(location: str, status: str = "302 Found") -> bytes:
    return http(b"", f"Location: {location}", status=status)


def chunked(*chunks: bytes) -> bytes:
    parts = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
    return http(parts, "Transfer-Encoding: chunked", length=False)


@dataclass
class Remote:
    host: str
    port: int
    answers: dict[str, Answer]
    heads: list[str] = field(default_factory=list)
    stopped: Event = field(default_factory=Event)
    """Set at the end of the test. Endless responses wait for it."""

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [head.split()[1] for head in self.heads]

    def drip(self, data: bytes, seconds: float = 0.05) -> Iterator[bytes]:
        for number in range(len(data)):
            if self.stopped.wait(seconds):
                return
            yield data[number : number + 1]

    def silence(self) -> Iterator[bytes]:
        self.stopped.wait()
        yield b""


class _Server(ThreadingTCPServer):
    allow_reuse_address = True

    def __init__(self, host: str, port: int, remote: Remote, tls: ssl.SSLContext | None) -> None:
        super().__init__((host, port), _Handler)
        self.remote, self.tls = remote, tls
        remote.port = self.server_address[1]


class _Handler(BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.request.settimeout(60)
        with suppress(OSError):  # the client may leave when it wants to
            if self.server.tls:
                self.request = self.server.tls.wrap_socket(self.request, server_side=True)
            _answer(self.request, self.server.remote)

    def finish(self) -> None:
        self.request.close()


def _answer(client: socket.socket, remote: Remote) -> None:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        data = client.recv(1)
        if not data:
            return
        head += data
    remote.heads.append(head.decode())
    answer = remote.answers[remote.paths[-1]]
    for part in [answer] if isinstance(answer, bytes) else answer():
        client.sendall(part)


@contextmanager
def remote_server(
    answers: dict[str, Answer] | None = None, host: str = "127.0.0.1", port: int = 0, tls: Any = None
) -> Iterator[Remote]:
    remote = Remote(host, port, answers or {})
    with _Server(host, port, remote, tls) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield remote
        finally:
            remote.stopped.set()
            server.shutdown()
            thread.join()


def allowing(*remotes: Remote, url_allow: str | None = None, **settings: Any) -> dict[str, Any]:
    """Settings that permit images from these servers, and from nothing else on loopback."""
    allow = ",".join(remote.host for remote in remotes) if url_allow is None else url_allow
    return {
        "predict_urls": True,
        "url_allow": hosts_and_networks(allow) if allow else (),
        "url_ports": frozenset(remote.port for remote in remotes),
        **settings,
    }
