"""Additional traffic during a load: health checks, slow uploads, large images."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from urllib.parse import urlsplit

import requests

from my_inference_app.settings import PROJECT

from .images import twelve_megapixels

SLOW_BYTES_PER_SECOND = 5000


@dataclass
class HealthChecks:
    waits_ms: list[float] = field(default_factory=list)
    failed: int = 0


@contextmanager
def health_checks(url: str) -> Iterator[HealthChecks]:
    """Twenty a second, over new connections. The times are there afterwards."""
    found = HealthChecks()
    command = [sys.executable, "-m", "benchmarks.probe", url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as prober:
        assert prober.stdout
        prober.stdout.readline()
        try:
            yield found
        finally:
            vars(found).update(json.loads(prober.communicate()[0]))


@dataclass
class Uploads:
    answered: int = 0
    failed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, answered: bool) -> None:
        with self._lock:
            self.answered += answered
            self.failed += not answered


@contextmanager
def slow_uploads(url: str, image: bytes, count: int) -> Iterator[Uploads]:
    """Clients that upload at a few KB a second, one request after the other. The last are completed at once."""
    stop, found = threading.Event(), Uploads()

    def send() -> None:
        while not stop.is_set():
            found.add(_upload(url, image, stop))

    with running([threading.Thread(target=send) for _ in range(count)], stop):
        yield found


def _upload(url: str, image: bytes, stop: threading.Event) -> bool:
    parts = urlsplit(url)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(image)}\r\n\r\n"
    try:
        with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
            connection.sendall(head.encode())
            for start in range(0, len(image), SLOW_BYTES_PER_SECOND):
                stop.wait(1)
                connection.sendall(image[start : start + SLOW_BYTES_PER_SECOND])
            response = HTTPResponse(connection)
            response.begin()
            return response.status == 200 and bool(response.read())
    except (OSError, HTTPException):
        return False


@contextmanager
def large_images(url: str, share_of: float) -> Iterator[None]:
    """Sends photos of 4000 x 3000 pixels, so many a second."""
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
