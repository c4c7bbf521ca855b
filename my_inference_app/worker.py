"""gunicorn's threaded worker, with a bounded waiting room and a way past it for probes.

gunicorn gives a thread to every connection as soon as it is made, and lets any number of requests wait for one. Here
a connection gets a thread when its request begins to arrive, so an idle one costs none; QUEUE_SIZE requests may wait;
those that are too many, and probes, have threads of their own.
"""

from __future__ import annotations

import socket
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.workers.gthread import TConn, ThreadWorker

from my_inference_app.api.admission import PROBES, REFUSAL_LANE
from my_inference_app.settings import Settings

_PROBE_LINES = tuple(f"GET {path} ".encode() for path in PROBES)
_LONGEST_PROBE_LINE = max(map(len, _PROBE_LINES))
_TRY_AGAIN_AFTER = 5.0


class WholeResponse(wsgi.Response):  # type: ignore[misc]
    """Sends an answer's head together with its body.

    gunicorn sends them one after the other. A worker that dies in between leaves nginx with half an answer, which it
    has passed on already, too late to ask another worker.
    """

    headers_sent: bool
    _head = b""

    def send_headers(self) -> None:
        if self.headers_sent:
            return
        lines = [*self.default_headers(), *(f"{name}: {value}\r\n" for name, value in self.headers), "\r\n"]
        self._head = "".join(lines).encode("latin-1")
        self.headers_sent = True

    def _emit_body(self, data: bytes) -> None:
        if self.chunked:
            self._flush()
            super()._emit_body(data)
        else:
            self._head, whole = b"", self._head + data
            util.write(self.sock, whole)

    def _flush(self) -> None:
        if self._head:
            self._head, head = b"", self._head
            util.write(self.sock, head)

    def close(self) -> None:
        self.send_headers()
        self._flush()
        super().close()


class Worker(ThreadWorker):  # type: ignore[misc]
    def init_process(self) -> None:
        wsgi.Response = WholeResponse  # the one way in: the class is looked up there
        self._probes = ThreadPoolExecutor(2, "probe")
        self._refusals = ThreadPoolExecutor(2, REFUSAL_LANE)
        self._room = self.cfg.threads + Settings.from_env().queue_size
        self._taken = 0  # of the room; only the main thread counts
        super().init_process()

    def load_wsgi(self) -> None:
        """Tells why it cannot start. gunicorn then ends altogether, which is right at the first start and only there.

        Later this worker waits and ends in a way that makes gunicorn start another, while those that serve go on.
        """
        try:
            super().load_wsgi()
        except (Exception, SystemExit) as error:  # the latter after wsgi.py has said why
            if self.age <= self.cfg.workers:
                raise
            self.log.error(
                "this worker cannot start, another tries in %g s",
                _TRY_AGAIN_AFTER,
                exc_info=not isinstance(error, SystemExit),
            )
            end = time.monotonic() + _TRY_AGAIN_AFTER
            while self.alive and time.monotonic() < end:
                time.sleep(0.1)
            sys.exit(1)

    def accept(self, listener: socket.socket) -> None:
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # another worker was faster, or the client is gone
            return
        self.nr_conns += 1
        conn = TConn(self.cfg, client, address, listener.getsockname())
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        self.poller.register(client, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def enqueue_req(self, conn: Any) -> None:
        lane, room = self._lane(conn.sock)
        self._taken += room
        lane.submit(self.handle, conn).add_done_callback(
            lambda future: self.method_queue.defer(self._done, conn, future, room)
        )

    def _lane(self, client: socket.socket) -> tuple[ThreadPoolExecutor, int]:
        if _is_probe(client):
            return self._probes, 0
        if self._taken >= self._room:
            return self._refusals, 0
        return self.tpool, 1

    def _done(self, conn: Any, future: Future[Any], room: int) -> None:
        self._taken -= room
        self.finish_request(conn, future)


def _is_probe(client: socket.socket) -> bool:
    try:
        return client.recv(_LONGEST_PROBE_LINE, socket.MSG_PEEK | socket.MSG_DONTWAIT).startswith(_PROBE_LINES)
    except OSError:  # nothing there yet, or the connection is broken; the parser will find out
        return False
