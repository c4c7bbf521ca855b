"""App hosts and the edge in front of them: the real gunicorn on each machine, and the real nginx."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event, Thread

import requests

from tests.live.machines import Machine, Network
from tests.live.service import REPOSITORY, environment, gunicorn_command, until


@dataclass(eq=False)
class Host:
    machine: Machine
    bundle: Path
    log_file: Path
    process: subprocess.Popen[bytes]

    @property
    def gate(self) -> Path:
        """While this file exists, it computes nothing."""
        return self.log_file.with_suffix("") / "closed"

    @property
    def served(self) -> int:
        return len(re.findall(r"POST /predict 200", self.log_file.read_text()))

    def signal(self, number: int) -> None:
        """To all of its processes."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    @contextmanager
    def slowed(self) -> Iterator[None]:
        """It runs for a quarter of the time only."""
        end = Event()

        def pulse() -> None:
            while not end.wait(0.01):
                self.signal(signal.SIGSTOP)
                end.wait(0.03)
                self.signal(signal.SIGCONT)

        thread = Thread(target=pulse)
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()


@dataclass
class Hosts:
    network: Network
    folder: Path
    ports: dict[str, object]
    settings: dict[str, object]
    stack: ExitStack
    _numbers: Iterator[int] = field(default_factory=count)

    def start(self, machine: Machine, bundle: Path) -> Host:
        number = next(self._numbers)
        (self.folder / f"host-{number}").mkdir()
        log_file = self.folder / f"host-{number}.log"
        host = Host(machine, bundle, log_file, self._gunicorn(machine, bundle, log_file))
        self.stack.callback(self._end, host)
        return host

    def restart(self, host: Host) -> None:
        host.gate.unlink(missing_ok=True)
        host.process = self._gunicorn(host.machine, host.bundle, host.log_file)

    def _gunicorn(self, machine: Machine, bundle: Path, log_file: Path) -> subprocess.Popen[bytes]:
        addresses = {"APP_HOST": machine.address, "MANAGEMENT_HOST": machine.address}
        gate = log_file.with_suffix("")
        variables = environment(BUNDLE=bundle, WORKERS=1, GATE=gate, **addresses, **self.ports, **self.settings)
        command = machine.command(*gunicorn_command("tests.live.gated_app:app"))
        with log_file.open("ab") as log:
            return subprocess.Popen(
                command, cwd=REPOSITORY, env=variables, stdout=log, stderr=log, start_new_session=True
            )

    def edge_knows(self, host: Host) -> bool:
        return f"server {host.machine.address}:" in (self.folder / "nginx/conf.d/upstreams.conf").read_text()

    def wait_until_ready(self, *hosts: Host) -> None:
        for host in hosts:
            url = f"http://{host.machine.address}:{self.ports['MANAGEMENT_PORT']}/readyz"
            self._wait_for(url, host.machine, host.process, host.log_file)

    def start_edge(self) -> None:
        """nginx as start.sh starts it, on the edge's machine."""
        edge, prefix = self.network.edge, self.folder / "nginx"
        app = f"{self.network.hosts}:{self.ports['APP_PORT']}"
        variables = environment(NGINX_PREFIX=prefix, UPSTREAM=app, **self.ports, **self.settings, LISTEN=edge.address)
        log_file = self.folder / "edge.log"
        with log_file.open("wb") as log:
            command = edge.command(str(REPOSITORY / "nginx" / "start.sh"))
            process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)
        self.stack.callback(process.wait, 60)
        self.stack.callback(process.terminate)
        self._wait_for(f"http://{edge.address}:{self.ports['PORT']}/readyz", edge, process, log_file)

    @staticmethod
    def _wait_for(url: str, machine: Machine, process: subprocess.Popen[bytes], log_file: Path) -> None:
        def answers() -> bool:
            assert process.poll() is None, log_file.read_text()
            with suppress(requests.RequestException):
                return requests.get(url, timeout=5).status_code == 200
            return False

        with ThreadPoolExecutor(1, initializer=machine.enter) as pool:
            pool.submit(until, answers).result()

    @staticmethod
    def _end(host: Host) -> None:
        host.signal(signal.SIGKILL)
        host.process.wait(60)
