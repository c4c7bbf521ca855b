"""make bench-extremes: what happens to speed, latency and memory at the edges.

A thousand connections; two hundred senders as slow as a bad telephone line; a tenth of the pictures 12 megapixels
large; many requests, for the memory.
"""

from __future__ import annotations

import argparse
import io
import json
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil
import requests
from PIL import Image

from my_inference_app.settings import PROJECT

from .load import Measured, gunicorn_of
from .machine_facts import facts
from .prepare import NETWORK, Prepared, prepare
from .rows import Started, service

SLOW_SENDERS = 200
SLOW_BYTES_PER_SECOND = 5000


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-extremes", description=__doc__)
    parser.add_argument("--precision", default="int8")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--requests", type=int, default=20_000, help="for the memory")
    parser.add_argument("--out", type=Path, default=PROJECT / "benchmarks" / "results")
    given = parser.parse_args()
    prepared = prepare(PROJECT / ".benchmarks")
    settings, label = prepared.ready(NETWORK, given.precision)
    with (
        tempfile.TemporaryDirectory() as scratch,
        service(settings, prepared.picture, label, Path(scratch)) as started,
    ):
        started.load(8, 2)
        found = measure(started, prepared, given.seconds, given.requests)
    lines = [f"{name:<44} {value}" for name, value in found.items()]
    given.out.mkdir(parents=True, exist_ok=True)
    machine = facts()
    head = f"{machine['processor']}, {machine['cores']} cores, {machine['date']}, ResNet-50 {given.precision}"
    (given.out / "extremes.txt").write_text("\n".join([head, "", *lines]) + "\n")
    (given.out / "extremes.json").write_text(json.dumps({"machine": machine, **found}, indent=1) + "\n")
    print("\n".join([head, "", *lines]))


def measure(started: Started, prepared: Prepared, seconds: int, count: int) -> dict[str, Any]:
    found: dict[str, Any] = {"start to ready, s": round(started.seconds_to_ready, 2)}

    def say(name: str, value: Any) -> None:
        found[name] = value
        print(f"{name}: {value}", file=sys.stderr, flush=True)

    usual = started.load(16, seconds)
    say("16 connections, images/s", round(usual.images_per_second, 1))
    with slow_senders(started.url, prepared.picture.read_bytes()):
        slow = started.load(16, seconds)
    say("with 200 slow senders / without", ratio(slow, usual))
    say("failed with slow senders", slow.failed + slow.refused)
    thousand = started.load(1000, seconds * 3)
    say("1000 connections / 16", ratio(thousand, usual))
    say("1000 connections: p99 s, refused, failed", [thousand.p99_ms / 1000, thousand.refused, thousand.failed])
    # wrk leaves with requests in the queue; one more comes through when they are done.
    requests.post(started.url, data=prepared.picture.read_bytes(), timeout=120)
    with large_pictures(started.url, share_of=usual.images_per_second / 10):
        mixed = started.load(16, seconds)
    say("p99 with a tenth of 12 megapixels / without", round(mixed.p99_ms / usual.p99_ms, 2))
    workers = [resident_mb(process) for process in workers_of(started.process)]
    done = 0
    while done < count:
        done += int(started.load(16, 30).images_per_second * 30)
    say("MB resident of each worker", [round(value) for value in workers])
    say(f"after {done} requests more", [round(resident_mb(process)) for process in workers_of(started.process)])
    return found


def ratio(one: Measured, other: Measured) -> float:
    return round(one.images_per_second / other.images_per_second, 2)


@contextmanager
def slow_senders(url: str, picture: bytes) -> Iterator[None]:
    """Connections that send their bodies at a few KB a second, and begin again when they are answered."""
    stop = threading.Event()
    parts = urlsplit(url)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(picture)}\r\n\r\n"

    def send() -> None:
        while not stop.is_set():
            with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
                connection.sendall(head.encode())
                for start in range(0, len(picture), SLOW_BYTES_PER_SECOND):
                    if stop.wait(1):
                        return
                    connection.sendall(picture[start : start + SLOW_BYTES_PER_SECOND])
                connection.recv(1000)

    with running([threading.Thread(target=send) for _ in range(SLOW_SENDERS)], stop):
        yield


@contextmanager
def large_pictures(url: str, share_of: float) -> Iterator[None]:
    """Photos of 4000 x 3000 pixels, so many a second."""
    stop = threading.Event()
    photo = twelve_megapixels()

    def send() -> None:
        with requests.Session() as session:
            while not stop.is_set():
                began = time.monotonic()
                session.post(url, data=photo, timeout=60)
                stop.wait(max(0.0, 2 / share_of - (time.monotonic() - began)))

    with running([threading.Thread(target=send) for _ in range(2)], stop):
        yield


def twelve_megapixels() -> bytes:
    photo = Image.open(PROJECT / "post_request" / "coffee.jpg").resize((4000, 3000), Image.Resampling.LANCZOS)
    grain = np.random.default_rng(0).normal(0, 4, (3000, 4000, 1))
    file = io.BytesIO()
    Image.fromarray((np.asarray(photo) + grain).clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=85)
    return file.getvalue()


@contextmanager
def running(threads: list[threading.Thread], stop: threading.Event) -> Iterator[None]:
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    return list(gunicorn_of(process).children())


def resident_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6


if __name__ == "__main__":
    main()
