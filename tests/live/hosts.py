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
    _started: list[Host] = field(default_factory=list)

    def start(self, machine: Machine, bundle: Path) -> Host:
        log_file = self.folder / f"host-{len(self._started)}.log"
        addresses = {"APP_HOST": machine.address, "MANAGEMENT_HOST": machine.address}
        variables = environment(BUNDLE=bundle, WORKERS=1, **addresses, **self.ports, **self.settings)
        command = machine.command(*gunicorn_command("my_inference_app.wsgi:app"))
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                command, cwd=REPOSITORY, env=variables, stdout=log, stderr=log, start_new_session=True
            )
        host = Host(machine, bundle, log_file, process)
        self._started.append(host)
        self.stack.callback(self._end, host)
        return host

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
