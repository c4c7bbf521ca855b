"""A real service whose engine computes when a test lets it, so that no test depends on durations."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from benchmarks.ports import free_port
from tests.exposition import total
from tests.images import plain_image
from tests.live.service import REPOSITORY, environment, gunicorn_command, nginx_alone, until


@dataclass
class Gated:
    process: subprocess.Popen[bytes]
    url: str
    app_url: str
    management_url: str
    folder: Path
    pool: ThreadPoolExecutor

    def close(self) -> None:
        (self.folder / "closed").touch()

    def open(self) -> None:
        (self.folder / "closed").unlink(missing_ok=True)

    @property
    def batches(self) -> list[int]:
        """How many images were computed together, since the engine was warm."""
        return [int(line) for line in (self.folder / "batches").read_text().splitlines()][2:]

    @property
    def waiting_images(self) -> int:
        """Images in the queue for the engine."""
        return int(self.metric("inference_waiting_images"))

    def metric(self, name: str, **labels: str) -> float:
        return total(requests.get(f"{self.management_url}/metrics", timeout=30).text, name, labels)

    @property
    def log(self) -> str:
        return (self.folder / "app.log").read_text()

    @property
    def nginx_log(self) -> str:
        return (self.folder / "log").read_text()

    def send(self, label: str = "green") -> Future[requests.Response]:
        return self.pool.submit(requests.post, f"{self.url}/predict", data=plain_image(label), timeout=60)

    def occupy(self) -> Future[requests.Response]:
        """Closes the gate and sends a request, which is being computed from now on."""
        self.close()
        before = len(self.batches)
        sent = self.send()
        until(lambda: len(self.batches) > before)
        return sent

    def connections(self) -> int:
        """Connections to the app, whether it has accepted them yet or not."""
        port = port_of(self.app_url)
        return sum(
            1
            for item in psutil.net_connections("tcp4")
            if item.status == psutil.CONN_ESTABLISHED and item.laddr and item.laddr.port == port
        )


def raw_request(url: str) -> socket.socket:
    """A request whose answer nobody has asked for yet."""
    body = plain_image()
    connection = socket.create_connection(("127.0.0.1", port_of(url)), timeout=30)
    connection.sendall(f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    return connection


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


@contextmanager
def gated(folder: Path, **settings: object) -> Iterator[Gated]:
    port, management_port = free_port(), free_port()
    ports = {"APP_PORT": port, "MANAGEMENT_PORT": management_port}
    variables = environment(GATE=folder, **ports, **{"WORKERS": 1, "MAX_BATCH": 4, **settings})
    app_url, management_url = (f"http://127.0.0.1:{number}" for number in ports.values())
    with (
        ThreadPoolExecutor(32) as pool,
        (folder / "app.log").open("wb") as log,
        subprocess.Popen(
            gunicorn_command("tests.live.gated_app:app"), cwd=REPOSITORY, env=variables, stdout=log, stderr=log
        ) as process,
    ):
        try:
            until(lambda: _is_ready(management_url) or process.poll() is not None)
            with nginx_alone(folder, f"127.0.0.1:{port}", **ports, **settings) as url:
                service = Gated(process, url, app_url, management_url, folder, pool)
                try:
                    yield service
                finally:
                    service.open()
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


StartGated = Callable[..., Gated]
