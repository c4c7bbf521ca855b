"""A worker's relay to a Ray cluster: a process beside the worker, which is Ray's client.

Ray ends its client when the cluster is lost, and takes its signals. So that this never happens to a worker, the client
is a process of its own. It is started again until the cluster is back, and ends with the worker.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from itertools import count
from multiprocessing.connection import Client, Connection
from threading import Condition, Event, Thread

from .. import own_folder, shared_folder
from ..errors import NotReady, SetupError

PROGRAM = "my_inference_app.cluster.relay"
READY = "ready"
_PAUSE = 1.0
_REACHABLE_SECONDS = 3.0
_FIRST_SECONDS = 60.0
"""Seconds in which the cluster has to answer when a worker starts."""
_log = logging.getLogger(__name__)


class Relay:
    def __init__(self, address: str) -> None:
        self._address = address
        self._changed = Condition()
        self._socket = ""
        """Empty while there is no connection to the cluster."""
        self._reason = ""
        self._process: subprocess.Popen[str] | None = None
        self._closed = Event()
        Thread(target=self._keep, name="relay", daemon=True).start()

    def wait(self) -> None:
        """Until the cluster answers for the first time."""
        with self._changed:
            self._changed.wait_for(lambda: self._socket or self._reason, _FIRST_SECONDS)
            if not self._socket:
                raise SetupError(f"RAY_ADDRESS={self._address}: {self._reason or 'the cluster does not answer'}")

    def connect(self) -> Connection:
        """For one thread."""
        try:
            if self._socket:
                return Client(self._socket, "AF_UNIX")
        except OSError:  # it has just ended
            pass
        raise lost()

    def close(self) -> None:
        """Ends the relay for good. All that connected to it is cut off."""
        self._closed.set()
        with suppress(AttributeError, OSError):
            self._process.stdin.close()  # type: ignore[union-attr]

    def _keep(self) -> None:
        folder = own_folder.make("relay", tempfile.gettempdir())
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        for number in count():
            if self._closed.wait(self._run_once(str(folder / str(number)))):
                return

    def _run_once(self, place: str) -> float:
        """Returns, once the relay has ended, the seconds until the next try."""
        if reason := absent(self._address):
            self._note("", reason)
            return _PAUSE
        command = [sys.executable, "-m", PROGRAM, self._address, place]
        environment = {key: value for key, value in os.environ.items() if key != shared_folder.VARIABLE}
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as self._process:
            if self._closed.is_set():
                return 0.0
            said = self._process.stdout.readline().strip() if self._process.stdout else ""
            if said == READY:
                self._note(place, "")
            else:
                self._note("", said or "the relay to Ray has failed: the lines above say why")
            self._process.wait()
        if said == READY:
            self._note("", "the connection to the cluster was lost")
        return _PAUSE if said == READY else 5 * _PAUSE

    def _note(self, place: str, reason: str) -> None:
        with self._changed:
            if place and self._reason:
                _log.warning("RAY_ADDRESS=%s: the cluster is back", self._address)
            elif reason and reason != self._reason:
                _log.error("RAY_ADDRESS=%s: %s", self._address, reason)
            self._socket, self._reason = place, reason
            self._changed.notify_all()


def absent(address: str) -> str:
    """Why the head of the cluster cannot be reached, or nothing."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _REACHABLE_SECONDS).close()
    except OSError as error:
        return f"there is no Ray cluster at {address} ({error.strerror or error})"
    return ""


@cache
def relay_of(address: str) -> Relay:
    """One for each process."""
    return Relay(address)


def lost() -> NotReady:
    return NotReady("the Ray cluster does not answer: try again in a moment")
