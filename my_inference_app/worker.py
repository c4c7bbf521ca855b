"""gunicorn's threaded worker, with a bounded waiting room and a way past it for probes.

gunicorn gives a thread to every connection as soon as it is made, and lets any number of requests wait for one. Here
a connection gets a thread when its request begins to arrive, so an idle one costs none; QUEUE_SIZE requests may wait.
The others, and probes, take the express lane: threads of their own, on which the app refuses at once all but probes.
"""

from __future__ import annotations

import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from my_inference_app.api.admission import EXPRESS_LANE, PROBES
from my_inference_app.settings import Settings

_PROBE_LINES = tuple(f"GET {path} ".encode() for path in PROBES)
_LONGEST_PROBE_LINE = max(map(len, _PROBE_LINES))
_EXPRESS_THREADS = 2


class Worker(ThreadWorker):  # type: ignore[misc]
    def init_process(self) -> None:
        self._express = ThreadPoolExecutor(_EXPRESS_THREADS, EXPRESS_LANE)
        self._room = self.cfg.threads + Settings.from_env().queue_size
        self._taken = 0  # requests in the main lane, waiting or under way; only the main thread counts
        super().init_process()

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
        if self._taken >= self._room or _is_probe(conn.sock):
            pool, lane = self._express, 0
        else:
            pool, lane = self.tpool, 1
        self._taken += lane
        pool.submit(self.handle, conn).add_done_callback(
            lambda future: self.method_queue.defer(self._done, conn, future, lane)
        )

    def _done(self, conn: Any, future: Future[Any], lane: int) -> None:
        self._taken -= lane
        self.finish_request(conn, future)


def _is_probe(client: socket.socket) -> bool:
    try:
        return client.recv(_LONGEST_PROBE_LINE, socket.MSG_PEEK | socket.MSG_DONTWAIT).startswith(_PROBE_LINES)
    except OSError:  # nothing there yet, or the connection is broken; the parser will find out
        return False
