"""The processes of a service: they finish their requests when told to stop, and end when their starter is killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException

from .errors import SetupError


def ended_with_starter(command: list[str], stop: signal.Signals) -> list[str]:
    """If the starter is killed, the system sends the program the signal. Only Linux can do that."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", stop.name.removeprefix("SIG"), *command] if setpriv else command


class Process:
    """A server with workers of its own, such as gunicorn or nginx."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], stop: signal.Signals) -> None:
        self.name = name
        self._stop = stop
        # A session of its own: Ctrl-C reaches only this program, which then stops the servers in the right order.
        self._popen = subprocess.Popen(ended_with_starter(command, stop), env=environment, start_new_session=True)

    @property
    def exit_code(self) -> int | None:
        return self._popen.poll()

    def send(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def kill(self) -> None:
        """Ends the server and its workers at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)

    def end(self, deadline: float) -> None:
        """Lets the server finish its requests, but no longer than the deadline, on the clock of time.monotonic()."""
        if self.exit_code is None:
            self.send(self._stop)
        try:
            self._popen.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.kill()
            self._popen.wait()

    def wait_until_listens(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        while self.exit_code is None:
            with suppress(OSError):
                socket.create_connection((host, int(port)), timeout=5).close()
                return
            time.sleep(0.05)
        raise SetupError(f"{self.name} stopped before it was ready: the lines above say why")

    def wait_until_answers(self, host: str, port: int, path: str, server: str = "") -> None:
        """Returns when this path is answered with 200, by a server of this name if one is given."""
        while self.exit_code is None:
            with suppress(OSError, HTTPException), closing(HTTPConnection(host, port, timeout=5)) as connection:
                connection.request("GET", path)
                response = connection.getresponse()
                if response.status == 200 and response.headers.get("Server", "").startswith(server):
                    return
            time.sleep(0.05)
        raise SetupError(f"{self.name} stopped before it was ready: the lines above say why")
