"""Real gunicorn and nginx, started as a user starts them, on free ports of the loopback address."""

from __future__ import annotations

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

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Service:
    process: subprocess.Popen[bytes]
    url: str
    app_url: str
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)

    def wait_for(self, text: str) -> None:
        """Waits until the service has logged this."""
        until(lambda: text in self.log or self.process.poll() is not None)
        assert text in self.log, self.log


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this did not come true in time"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(**settings: object) -> dict[str, str]:
    """The settings given, and none that happen to be in the environment of the tests."""
    kept = {key: value for key, value in os.environ.items() if key not in ("MODEL", "PORT", "APP_PORT", "WORKERS")}
    return {**kept, "LISTEN": "127.0.0.1", **{key: str(value) for key, value in settings.items()}}


@contextmanager
def running(log_file: Path, *arguments: str, **settings: object) -> Iterator[Service]:
    """python -m my_inference_app.run, once it has said that it serves; ended with all it started."""
    port, app_port = free_port(), free_port()
    settings = {"PORT": port, "APP_PORT": app_port, **settings}
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "my_inference_app.run", *arguments],
            env=environment(**settings),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    service = Service(process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{app_port}", log_file)
    try:
        service.wait_for("Try it:")
        yield service
    finally:
        service.stop()


@contextmanager
def nginx_alone(prefix: Path, upstream: str, **settings: object) -> Iterator[str]:
    """nginx in front of an app that is not there, or not well."""
    port = free_port()
    variables = environment(NGINX_PREFIX=prefix, PORT=port, UPSTREAM=upstream, **settings)
    with subprocess.Popen(["nginx/start.sh"], cwd=REPOSITORY, env=variables, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: _listens(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


Start = Callable[..., Service]
