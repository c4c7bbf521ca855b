"""make bench-extremes: measures speed, latency and memory under extreme loads.

The loads: 300 slow uploads; 1,000 connections, with health checks meanwhile; 3,000 requests at the same moment; one
image in ten with 12 megapixels; many requests, to see whether memory grows. Speeds are compared with 16 connections
directly before and after.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from . import output
from .crowd import at_once
from .load import Measured, gunicorn_of
from .machine_facts import facts
from .prepare import FOLDER, NETWORK, prepare
from .rows import Started
from .traffic import HealthChecks, health_checks, large_images, slow_uploads


@dataclass(frozen=True)
class Extent:
    seconds: int
    requests: int
    uploads: int = 300
    connections: int = 1000
    crowd: int = 3000


@dataclass
class Findings:
    """Names and values, in the order in which they were measured."""

    values: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, value: Any) -> None:
        self.values[name] = value
        print(f"{name}: {_shown(value)}", file=sys.stderr, flush=True)

    def text(self) -> str:
        width = max(map(len, self.values))
        return "\n".join(f"{name:<{width}}  {_shown(value)}" for name, value in self.values.items())


def main() -> None:
    parser = output.parser("make bench-extremes", __doc__, FOLDER)
    parser.add_argument("--precision", default="int8")
    parser.add_argument("--seconds", type=int, default=10, help="length of most loads")
    parser.add_argument("--requests", type=int, default=20_000, help="number of requests to measure memory growth with")
    given = parser.parse_args()
    ready = prepare(given.folder).ready(NETWORK, given.precision)
    with ready.serve() as started:
        found = measure(started, ready.image, Extent(given.seconds, given.requests))
    machine = facts()
    text = f"{output.headline(machine)}, ResNet-50 {given.precision}\n\n{found.text()}"
    output.save(given.out, "extremes", text, {"machine": machine, **found.values})
    print(text)


def measure(started: Started, image: Path, extent: Extent) -> Findings:
    found, body = Findings(), image.read_bytes()

    def usual() -> Measured:
        return started.load(16, extent.seconds)

    found.add("start to ready, s", round(started.seconds_to_ready, 2))
    first = usual()
    found.add("16 connections: images/s", round(first.images_per_second, 1))
    with slow_uploads(started.url, body, extent.uploads) as uploads:
        beside = usual()
    between = usual()
    name = f"{extent.uploads} slow uploads"
    found.add(f"{name}: speed of 16 connections beside them / without", ratio(beside, first, between))
    found.add(f"{name}: refused, failed beside them", [beside.refused, beside.failed])
    found.add(f"{name}: answered, failed themselves", [uploads.answered, uploads.failed])
    after = _many_connections(found, started, body, extent, between)
    with large_images(started.url, share_of=after.images_per_second / 10):
        mixed = usual()
    found.add("p99 with a tenth of 12 megapixels / without", round(mixed.p99_ms / after.p99_ms, 2))
    _at_once(found, started, body, extent)
    _growth(found, started, extent)
    return found


def _many_connections(found: Findings, started: Started, body: bytes, extent: Extent, before: Measured) -> Measured:
    with health_checks(started.url) as through_nginx, health_checks(started.management_url) as directly:
        many = started.load(extent.connections, extent.seconds * 3)
    # wrk leaves requests in the queue. This one is answered when they are done.
    requests.post(started.url, data=body, timeout=120)
    name = f"{extent.connections} connections"
    found.add(f"{name}: MB of each worker: resident, private", memory(started))
    after = started.load(16, extent.seconds)
    found.add(f"{name}: speed / speed of 16", ratio(many, before, after))
    found.add(f"{name}: refused, failed", [many.refused, many.failed])
    found.add(f"{name}: p99 s", round(many.p99_ms / 1000, 1))
    for way, checks in (("through nginx", through_nginx), ("directly", directly)):
        found.add(f"{name}: health checks {way}: median ms, slowest ms, failed", _summary(checks))
    return after


def _summary(checks: HealthChecks) -> list[float]:
    return [round(statistics.median(checks.waits_ms), 1), round(max(checks.waits_ms), 1), checks.failed]


def _at_once(found: Findings, started: Started, body: bytes, extent: Extent) -> None:
    crowd = at_once(started.url, body, extent.crowd)
    name = f"{extent.crowd} at once"
    counts = [crowd.statuses.pop(status, 0) for status in (200, 503, 504)]
    found.add(f"{name}: answered, refused, too late, failed", [*counts, crowd.statuses.total()])
    found.add(f"{name}: s until the last refusal", round(crowd.last.get(503, 0), 2))
    found.add(f"{name}: s until the last answer", round(crowd.last.get(200, 0), 2))


def _growth(found: Findings, started: Started, extent: Extent) -> None:
    found.add("MB of each worker at the end: resident, private", memory(started))
    done = 0
    while done < extent.requests:
        done += int(started.load(16, extent.seconds).images_per_second * extent.seconds)
    if done:
        found.add(f"MB of each worker after {done} requests more: resident, private", memory(started))


def ratio(one: Measured, *others: Measured) -> float:
    return round(one.images_per_second / statistics.mean(other.images_per_second for other in others), 2)


def memory(started: Started) -> list[int]:
    """Of each worker: all that is resident, and what is its own. Libraries are shared with other processes."""
    found = [worker.memory_full_info() for worker in gunicorn_of(started.process).children()]
    return [round(size / 1e6) for worker in found for size in (worker.rss, worker.uss)]


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


if __name__ == "__main__":
    main()
