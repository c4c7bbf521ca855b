"""Additional traffic during a load: health checks, slow senders, large images."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

import numpy as np
import requests
from PIL import Image

from my_inference_app.settings import PROJECT

SLOW_SENDERS = 200
SLOW_BYTES_PER_SECOND = 5000


@contextmanager
def probes(url: str) -> Iterator[list[float]]:
    """Requests /readyz over new connections, twenty times a second; yields the time of each response in ms."""
    stop = threading.Event()
    waits: list[float] = []

    def ask() -> None:
        while not stop.wait(0.05):
            began = time.perf_counter()
            requests.get(urljoin(url, "/readyz"), timeout=60).raise_for_status()
            waits.append((time.perf_counter() - began) * 1000)

    with running([threading.Thread(target=ask)], stop):
        yield waits


@contextmanager
def slow_senders(url: str, image: bytes) -> Iterator[None]:
    """Connections that send their bodies at a few KB a second, one request after the other."""
    stop = threading.Event()
    parts = urlsplit(url)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(image)}\r\n\r\n"

    def send() -> None:
        while not stop.is_set():
            with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
                connection.sendall(head.encode())
                for start in range(0, len(image), SLOW_BYTES_PER_SECOND):
                    if stop.wait(1):
                        return
                    connection.sendall(image[start : start + SLOW_BYTES_PER_SECOND])
                connection.recv(1000)

    with running([threading.Thread(target=send) for _ in range(SLOW_SENDERS)], stop):
        yield


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
