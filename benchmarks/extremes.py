"""make bench-extremes: measures speed, latency and memory under extreme loads.

The loads: a thousand connections; two hundred slow senders; one image in ten with 12 megapixels; many requests, to see
whether memory grows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil
import requests

from my_inference_app.settings import PROJECT

from .load import Measured, gunicorn_of
from .machine_facts import facts
from .prepare import NETWORK, Prepared, prepare
from .rows import Started, service
from .traffic import large_images, probes, slow_senders


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-extremes", description=__doc__)
    parser.add_argument("--precision", default="int8")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--requests", type=int, default=20_000, help="number of requests to measure memory growth with")
    parser.add_argument("--out", type=Path, default=PROJECT / "benchmarks" / "results")
    given = parser.parse_args()
    prepared = prepare(PROJECT / ".benchmarks")
    settings, label = prepared.ready(NETWORK, given.precision)
    with (
        tempfile.TemporaryDirectory() as scratch,
        service(settings, prepared.image, label, Path(scratch)) as started,
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
    with slow_senders(started.url, prepared.image.read_bytes()):
        slow = started.load(16, seconds)
    say("with 200 slow senders / without", ratio(slow, usual))
    say("failed with slow senders", slow.failed + slow.refused)
    with probes(started.url) as waits:
        thousand = started.load(1000, seconds * 3)
    say("1000 connections / 16", ratio(thousand, usual))
    say("1000 connections: p99 s, refused, failed", [thousand.p99_ms / 1000, thousand.refused, thousand.failed])
    say("1000 connections: /readyz median, slowest, ms", [round(statistics.median(waits)), round(max(waits))])
    # wrk leaves requests in the queue. This one is answered when they are done.
    requests.post(started.url, data=prepared.image.read_bytes(), timeout=120)
    with large_images(started.url, share_of=usual.images_per_second / 10):
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


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    return list(gunicorn_of(process).children())


def resident_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6


if __name__ == "__main__":
    main()
