"""Real gunicorn and nginx, started as a user starts them, on free ports of the loopback address."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
import requests

from benchmarks.ports import free_port
from tests.exposition import total

REPOSITORY = Path(__file__).resolve().parents[2]
_OUR_OWN = ("MODEL", "PORT", "APP_PORT", "MANAGEMENT_PORT", "WORKERS")
T = TypeVar("T")


@dataclass
class Service:
    process: subprocess.Popen[bytes]
    url: str
    app_url: str
    management_url: str
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def lines_of(self, request_id: str) -> list[dict[str, Any]]:
        """What the app and nginx have logged about a request."""
        lines = [json.loads(line) for line in self.log.splitlines(keepends=True) if line[0] == "{" and line[-1] == "\n"]
        return [line for line in lines if line.get("id") == request_id]

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)

    def wait_for_workers(self, count: int) -> None:
        """Waits until all workers have loaded the model. The service is announced when one has."""
        until(lambda: self._workers_ready() == count)

    def _workers_ready(self) -> float:
        try:
            text = requests.get(f"{self.management_url}/metrics", timeout=30).text
        except requests.ConnectionError:  # while all are replaced
            return 0
        return total(text, "inference_workers_ready", {})

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Waits until the service has logged this."""
        until(lambda: text in self.log or self.process.poll() is not None, seconds)
        assert text in self.log, self.log


def until(condition: Callable[[], T], seconds: float = 60) -> T:
    """Waits until it is true, and returns what it was then: it may have changed by now."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "this did not come true in time"
        time.sleep(0.02)
    return found


def environment(**settings: object) -> dict[str, str]:
    """The settings given, and none that happen to be in the environment of the tests."""
    kept = {key: value for key, value in os.environ.items() if key not in _OUR_OWN}
    return {**kept, "LISTEN": "127.0.0.1", **{key: str(value) for key, value in settings.items()}}


@contextmanager
def running(log_file: Path, *arguments: str, **settings: object) -> Iterator[Service]:
    """`make run` without make, once it has announced that it serves. All it started is ended with it."""
    ports = {"PORT": free_port(), "APP_PORT": free_port(), "MANAGEMENT_PORT": free_port()}
    settings = {**ports, **settings}
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "my_inference_app.run", *arguments],
            env=environment(**settings),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url, app_url, management_url = (f"http://127.0.0.1:{settings[name]}" for name in ports)
    service = Service(process, url, app_url, management_url, log_file)
    try:
        service.wait_for("Try it:", 300)  # it may have to make a bundle first
        yield service
    finally:
        service.stop()


Start = Callable[..., Service]


def gunicorn_of(service: Service) -> psutil.Process:
    children = psutil.Process(service.process.pid).children()
    return next(child for child in children if "gunicorn" in " ".join(child.cmdline()))


def gunicorn_command(app: str) -> list[str]:
    """For another app than the one that gunicorn.conf.py names."""
    return [sys.executable, "-m", "gunicorn", "-c", str(REPOSITORY / "my_inference_app" / "gunicorn.conf.py"), app]


@contextmanager
def nginx_alone(prefix: Path, upstream: str, **settings: object) -> Iterator[str]:
    """nginx in front of an app that something else has started, or of nothing. It logs to PREFIX/log."""
    port = free_port()
    variables = environment(NGINX_PREFIX=prefix, PORT=port, UPSTREAM=upstream, **settings)
    with (
        (prefix / "log").open("wb") as log,
        subprocess.Popen(["nginx/start.sh"], cwd=REPOSITORY, env=variables, stdout=log, stderr=log) as process,
    ):
        try:
            until(lambda: listens(port) or process.poll() is not None)
            assert process.poll() is None, (prefix / "log").read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def listens(port: int, host: str = "127.0.0.1") -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex((host, port)) == 0
