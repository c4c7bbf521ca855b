"""gunicorn's threaded worker, with a bounded waiting room and a way past it for probes.

gunicorn gives a thread to every connection as soon as it is made, and lets any number of requests wait for one. Here
a connection gets a thread when all of its request is there (see wire/); QUEUE_SIZE requests may wait; those that are
too many, and probes, have threads of their own. What is no HTTP is refused in the one shape of every error.
"""

from __future__ import annotations

import socket
import sys
import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.workers.gthread import ThreadWorker

from my_inference_app.api.admission import PROBES, REFUSAL_LANE
from my_inference_app.settings import Settings
from my_inference_app.wire import refusal
from my_inference_app.wire.arrival import Arrival, Held
from my_inference_app.wire.connection import Connection
from my_inference_app.wire.response import WholeResponse

_PROBE_LINES = tuple(f"GET {path} ".encode() for path in PROBES)
_TRY_AGAIN_AFTER = 5.0
# Bytes gathered in memory; with more, threads read the rest of their requests themselves.
_MOST_HELD = 1 << 28
_LINGER = 2.0
_MOST_LEAVING = 1000


class Worker(ThreadWorker):  # type: ignore[misc]
    def init_process(self) -> None:
        wsgi.Response = WholeResponse  # the one way in: the class is looked up there
        settings = Settings.from_env()
        self._probes = ThreadPoolExecutor(2, "probe")
        self._refusals = ThreadPoolExecutor(2, REFUSAL_LANE)
        self._room = self.cfg.threads + settings.queue_size
        self._taken = 0  # of the room; only the main thread counts
        self._most = settings.max_upload_bytes
        self._held = Held()
        self._leaving: dict[socket.socket, float] = {}
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
        arrival = Arrival(client, self._most, self._held)
        conn = Connection(self.cfg, client, address, listener.getsockname(), arrival)
        conn.linger = self._linger
        self._wait(conn)

    def _wait(self, conn: Connection) -> None:
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def enqueue_req(self, conn: Connection) -> None:
        """There is something to read, or there was something behind the last request."""
        if behind := conn.parser.unreader.take_buffered():
            conn.arrival.begin(behind)
        if not conn.arrival.gather():
            if self._held.size < _MOST_HELD:
                self._wait(conn)
                return
            conn.arrival.reads_on = True
        lane, room = self._lane(conn.arrival)
        self._taken += room
        lane.submit(self.handle, conn).add_done_callback(
            lambda future: self.method_queue.defer(self._done, conn, future, room)
        )

    def _lane(self, arrival: Arrival) -> tuple[ThreadPoolExecutor, int]:
        if arrival.startswith(_PROBE_LINES):
            return self._probes, 0
        if self._taken >= self._room:
            return self._refusals, 0
        return self.tpool, 1

    def handle_request(self, req: Any, conn: Connection) -> Any:
        refusal.check(req)
        req.body = refusal.CheckedBody(req.body.reader)
        req._expected_100_continue = False  # it has been said when the head was there
        if not conn.arrival.whole:
            req.force_close()
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:  # noqa: ARG002
        error, request_id = refusal.translate(exc), uuid.uuid4().hex
        if error.status == 500:
            self.log.error("request %s failed", request_id, exc_info=exc)
        else:
            self.log.warning("refused with %d: %.200s id=%s", error.status, ascii(str(exc))[1:-1], request_id)
        with suppress(OSError):
            util.write_nonblock(client, refusal.answer(error, request_id))

    def _done(self, conn: Connection, future: Future[Any], room: int) -> None:
        self._taken -= room
        conn.next_request()
        self.finish_request(conn, future)

    def _linger(self, client: socket.socket) -> None:
        """Closes a connection after its client has: what comes in after a close would destroy the answer on its way.

        gunicorn waits for that, for two seconds, while all other connections wait too.
        """
        if len(self._leaving) >= _MOST_LEAVING:
            util.close(client)
            return
        try:
            client.shutdown(socket.SHUT_WR)
            client.setblocking(False)
            self.poller.register(client, EVENT_READ, self._drain)
        except (OSError, ValueError):
            util.close(client)
        else:
            self._leaving[client] = time.monotonic() + _LINGER

    def _drain(self, client: socket.socket) -> None:
        with suppress(OSError):
            try:
                if client.recv(1 << 18):
                    return
            except BlockingIOError:
                return
        self._leave(client)

    def _leave(self, client: socket.socket) -> None:
        del self._leaving[client]
        self.poller.unregister(client)
        util.close(client)

    def murder_pending(self) -> None:
        super().murder_pending()
        while self._leaving and next(iter(self._leaving.values())) < time.monotonic():
            self._leave(next(iter(self._leaving)))
