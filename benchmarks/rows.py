"""The rows of the table: starts each server, and waits for its first right answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import requests

from my_inference_app.settings import PROJECT

from .load import Measured, Watch, measure
from .ports import HOST, free_port


@dataclass(frozen=True)
class Started:
    """A server that answers correctly: the time it needed, and the function that loads it."""

    seconds_to_ready: float
    load: Callable[[int, int], Measured]
    url: str
    process: psutil.Process
    management_url: str = ""
    """Of this project's service: where health checks and metrics are."""


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    start: Callable[[Path], Any]
    """Takes a folder for the log, and returns a context manager that yields Started."""


class WrongAnswer(Exception):
    """The server does not answer correctly, so it is not measured."""


@contextmanager
def process(
    command: list[str], variables: dict[str, str], log: Path, **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """Runs a program, and ends it with all its descendants."""
    with log.open("a") as errors:
        started = subprocess.Popen(
            command, env={**os.environ, **variables}, stderr=errors, text=True, start_new_session=True, **options
        )
    try:
        yield started
    finally:
        _end(started)


def _end(started: subprocess.Popen[str]) -> None:
    try:
        members = psutil.Process(started.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        members = []
    if started.poll() is None:
        started.terminate()
    try:
        started.wait(40)
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()
    for member in psutil.wait_procs(members, timeout=10)[1]:
        member.kill()


@contextmanager
def service(settings: dict[str, str], image: Path, label: str, scratch: Path) -> Iterator[Started]:
    """This project's service behind nginx, as `make run` starts it."""
    ports = {name: str(free_port()) for name in ("PORT", "APP_PORT", "MANAGEMENT_PORT")}
    variables = {**settings, **ports, "LISTEN": HOST, "APP_HOST": HOST, "MANAGEMENT_HOST": HOST}
    command = [sys.executable, "-m", "my_inference_app.run"]
    url = f"http://{HOST}:{ports['PORT']}/predict"
    with http_server(command, variables, url, image, label, scratch) as started:
        yield replace(started, management_url=f"http://{HOST}:{ports['MANAGEMENT_PORT']}")


@contextmanager
def http_server(
    command: list[str],
    variables: dict[str, str],
    url: str,
    image: Path,
    label: str,
    scratch: Path,
    form_field: str = "image",
) -> Iterator[Started]:
    began = time.perf_counter()
    log = scratch / "server.log"
    with log.open("a") as out, process(command, variables, log, stdout=out) as running:
        until_right(running, url, image, label, log, form_field)
        seconds = time.perf_counter() - began
        watched = psutil.Process(running.pid)

        def load(connections: int, duration: int) -> Measured:
            return measure(url, watched, connections, duration, image, form_field)

        yield Started(seconds, load, url, watched)


def until_right(
    running: subprocess.Popen[str], url: str, image: Path, label: str, log: Path, form_field: str = "image"
) -> None:
    """Waits for the first answer, and checks it."""
    end = time.monotonic() + 240
    while time.monotonic() < end:
        if running.poll() is not None:
            raise WrongAnswer(f"it stopped with exit code {running.returncode}: {_last_line(log)}")
        try:
            answer = requests.post(url, files={form_field: image.read_bytes()}, timeout=60)
        except requests.ConnectionError:
            time.sleep(0.02)
            continue
        if answer.status_code == 200:
            if label not in answer.text:
                raise WrongAnswer(f"not {label!r} but {answer.text[:300]}")
            return
        time.sleep(0.02)
    raise WrongAnswer("it did not answer in four minutes")


def _last_line(log: Path) -> str:
    """The last line usually has the reason. The results, which go into the repository, get no more than that."""
    return next((line for line in reversed(log.read_text().splitlines()) if line.strip()), "")


@contextmanager
def limit(settings: dict[str, str], image: Path, label: str, scratch: Path) -> Iterator[Started]:
    """The service's decoding, batching and engine, without HTTP."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.limit", str(image)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": PROJECT}
    with process(command, settings, scratch / "limit.log", **pipes) as running:
        assert running.stdin
        assert running.stdout
        source, sink = running.stdout, running.stdin
        said = source.readline()
        if label not in said:
            raise WrongAnswer(f"not {label!r} but {said.strip()} {_last_line(scratch / 'limit.log')}")
        seconds = time.perf_counter() - began

        def load(connections: int, duration: int) -> Measured:
            with Watch(psutil.Process(running.pid)) as watch:
                sink.write(f"{connections} {duration}\n")
                sink.flush()
                got = json.loads(source.readline())
            return Measured(
                connections=connections,
                images_per_second=got["requests"] / got["seconds"],
                p50_ms=got["p50"],
                p99_ms=got["p99"],
                refused=0,
                failed=0,
                cpu_seconds_per_1000=watch.cpu_seconds / got["requests"] * 1000,
                peak_mb=watch.peak_mb,
            )

        yield Started(seconds, load, "", psutil.Process(running.pid))
