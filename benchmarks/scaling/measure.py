"""Measures what docs/scaling.md computes with: growth from one to two of everything, and what bounds it next."""

from __future__ import annotations

import hashlib
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from my_inference_app.inference.images.decode import decode
from my_inference_app.settings import Settings

from ..images import twelve_megapixels
from ..prepare import Prepared, Ready
from .nodes import Deployment, Layout, deployed

ONE_CORE, TWO_CORES, REPLICAS, WORKERS, NODES = (
    "1 worker, 1 core",
    "1 worker, 2 cores",
    "1 worker with 2 replicas, 2 cores",
    "2 workers, 2 cores",
    "2 nodes, 1 core each",
)
CACHED = "1 worker, 2 cores, all from the cache"
LAYOUTS = {
    ONE_CORE: Layout(((0,),)),
    TWO_CORES: Layout(((0, 1),), (("WORKERS", "1"),)),
    REPLICAS: Layout(((0, 1),), (("WORKERS", "1"),), replicas=2),
    WORKERS: Layout(((0, 1),), (("WORKERS", "2"),)),
    NODES: Layout(((0,), (1,))),
}
_CACHED = Layout(((0, 1),), (("WORKERS", "1"), ("CACHE_MB", "16")))
_COPIED = 600_000_000
Runs = dict[str, list[dict[str, Any]]]


def growth(ready: Ready, seconds: int, rounds: int) -> Runs:
    """Loads of 1 and 16 connections for each layout, in interleaved rounds."""
    found: Runs = {name: [] for name in LAYOUTS}
    for number in range(rounds):
        for name, layout in LAYOUTS.items():
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            found[name].append(_run(layout, ready, {"one": 1, "many": 16}, seconds))
    return found


def from_cache(ready: Ready, seconds: int) -> dict[str, Any]:
    """Nothing is decoded or computed, so what is left of a request is Python and nginx."""
    return _run(_CACHED, ready, {"one": 1, "many": 32}, seconds)


def _run(layout: Layout, ready: Ready, loads: dict[str, int], seconds: int) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as scratch,
        deployed(layout, ready.settings, ready.image, ready.label, Path(scratch)) as deployment,
    ):
        deployment.load(8, 1)
        return {name: asdict(deployment.load(count, seconds)) for name, count in loads.items()}


def sizes(ready: Ready) -> dict[str, int]:
    """Bytes of one request and its response, as they go through a connection."""
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as scratch,
        deployed(LAYOUTS[TWO_CORES], ready.settings, ready.image, ready.label, Path(scratch)) as deployment,
    ):
        return _exchange(deployment, ready.image.read_bytes())


def _exchange(deployment: Deployment, body: bytes) -> dict[str, int]:
    at = urlsplit(deployment.url)
    head = (
        f"POST {at.path} HTTP/1.1\r\nHost: {at.netloc}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n"
    )
    request = f"{head}Connection: close\r\n\r\n".encode() + body
    with socket.create_connection((at.hostname, at.port or 80)) as connection:
        connection.sendall(request)
        response = b"".join(iter(lambda: connection.recv(65536), b""))
    return {"request_bytes": len(request), "response_bytes": len(response)}


def bounds(prepared: Prepared, model: str) -> dict[str, Any]:
    """Of one core, and where there are two values, of one and of two."""
    spec, photo, large = prepared.bundle(model, "auto").input, prepared.image.read_bytes(), twelve_megapixels()
    return {
        "decode_ms": _seconds(lambda: decode(photo, spec, Settings.max_pixels)) * 1000,
        "decode_12_megapixels_ms": _seconds(lambda: decode(large, spec, Settings.max_pixels)) * 1000,
        "hashed_gb_per_second": [hashed(1), hashed(2)],
        "copied_gb_per_second": [copied(1), copied(2)],
    }


def _seconds(work: Callable[[], object], at_least: float = 1.0) -> float:
    """Of one call."""
    count, started = 0, time.perf_counter()
    while (passed := time.perf_counter() - started) < at_least:
        work()
        count += 1
    return passed / count


def hashed(threads: int) -> float:
    """GB/s of a block that the nearest cache holds: how much more two cores compute than one."""
    block = bytes(200_000)
    return _together(threads, lambda: len(block) / _seconds(lambda: hashlib.sha256(block)) / 1e9)


def copied(threads: int) -> float:
    """GB/s of memory that no cache holds, read and written."""

    def copy() -> float:
        source, target = (np.ones(_COPIED, np.uint8) for _ in range(2))
        return 2 * _COPIED / _seconds(lambda: np.copyto(target, source)) / 1e9

    return _together(threads, copy)


def _together(threads: int, rate: Callable[[], float]) -> float:
    with ThreadPoolExecutor(threads) as pool:
        return sum(future.result() for future in [pool.submit(rate) for _ in range(threads)])
