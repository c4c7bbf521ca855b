"""python -m benchmarks.teaching_load PHOTOS: measures /predict while the service is taught from a folder of photos.

A steady rate of requests, each timed from the moment it was due, first alone and then during each step of teaching.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from . import output
from .machine_facts import facts
from .prepare import FOLDER, SMALL, prepare

NAME = "taught-under-load"
CLIENTS = 16
_LOOK = 0.2


@dataclass(frozen=True)
class Timed:
    due: float
    seconds: float
    status: int


class Steady:
    """Requests at a steady rate, however long each takes."""

    def __init__(self, url: str, image: bytes, rate: float) -> None:
        self._url, self._image, self._rate = url, image, rate
        self.timed: list[Timed] = []
        self._end = threading.Event()
        self._numbers = itertools.count()

    def __enter__(self) -> Steady:
        self._began = time.monotonic()
        self._pool = ThreadPoolExecutor(CLIENTS)
        for _ in range(CLIENTS):
            self._pool.submit(self._client)
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._pool.shutdown()

    def _client(self) -> None:
        with requests.Session() as session:
            while not self._end.is_set():
                due = self._began + next(self._numbers) / self._rate
                if self._end.wait(max(0.0, due - time.monotonic())):
                    return
                self.timed.append(self._one(session, due))

    def _one(self, session: requests.Session, due: float) -> Timed:
        try:
            status = session.post(self._url, data=self._image, timeout=60).status_code
        except requests.RequestException:
            status = 0
        return Timed(due, time.monotonic() - due, status)

    def between(self, start: float, end: float) -> list[Timed]:
        return [one for one in self.timed if start <= one.due < end]


class Taught:
    """The steps of teaching, and when each took place."""

    def __init__(self, url: str) -> None:
        self._address = f"{url.removesuffix('/predict')}/teach/{NAME}"
        self.steps: dict[str, tuple[float, float]] = {}

    def step(self, title: str, work: Callable[[], object]) -> None:
        began = time.monotonic()
        work()
        self.steps[title] = (began, time.monotonic())

    def send(self, folder: Path) -> None:
        for path in sorted(folder.glob("*/*")):
            address = f"{self._address}/{path.parent.name}"
            requests.put(address, data=path.read_bytes(), timeout=60).raise_for_status()

    def make(self) -> None:
        """Until it is served: as soon as the service loads it, the next step begins."""
        requests.post(self._address, timeout=60).raise_for_status()
        self.wait_while("waiting", "building")

    def wait_while(self, *states: str) -> None:
        while (found := self._state())["state"] in states:
            time.sleep(_LOOK)
        if found["error"]:
            sys.exit(f"error: {found['error']}")

    def _state(self) -> Any:
        return requests.get(self._address, timeout=60).json()


def row(title: str, timed: list[Timed], seconds: float) -> dict[str, Any]:
    waits = sorted(1000 * one.seconds for one in timed)
    cuts = statistics.quantiles(waits, n=100, method="inclusive")
    return {
        "step": title,
        "seconds": round(seconds, 1),
        "requests": len(waits),
        "failed": sum(one.status != 200 for one in timed),
        "p50_ms": round(cuts[49], 1),
        "p99_ms": round(cuts[98], 1),
        "slowest_ms": round(waits[-1], 1),
    }


def main() -> None:
    parser = output.parser("python -m benchmarks.teaching_load", __doc__, FOLDER)
    parser.add_argument("photos", type=Path, help="a folder of photos for each class")
    parser.add_argument("--model", default=SMALL)
    parser.add_argument("--rate", type=float, default=20, help="requests a second")
    parser.add_argument("--seconds", type=float, default=20, help="of the load alone, before and after")
    given = parser.parse_args()
    ready = prepare(given.folder).ready(given.model, "auto")
    with tempfile.TemporaryDirectory() as models, ready.serve(TEACH="1", MODELS_DIR=models) as started:
        taught = Taught(started.url)
        with Steady(started.url, ready.image.read_bytes(), given.rate) as load:
            taught.step("alone, before", lambda: time.sleep(given.seconds))
            taught.step("photos are sent", lambda: taught.send(given.photos))
            taught.step("it is made", taught.make)
            taught.step("it goes live", lambda: taught.wait_while("loading"))
            taught.step("alone, after", lambda: time.sleep(given.seconds))
    rows = [row(title, load.between(*when), when[1] - when[0]) for title, when in taught.steps.items()]
    during = (taught.steps["photos are sent"][0], taught.steps["it goes live"][1])
    rows.append(row("all of teaching", load.between(*during), during[1] - during[0]))
    machine = facts()
    text = f"{output.headline(machine)}, {given.model}, {given.rate:g} requests a second\n\n{table(rows)}"
    output.save(given.out, "teaching", text, {"machine": machine, "rows": rows})
    print(text)


def table(rows: list[dict[str, Any]]) -> str:
    lines = [f"{'':<16} {'time':>7} {'requests':>8} {'failed':>6} {'p50':>9} {'p99':>9} {'slowest':>10}"]
    lines += [
        f"{one['step']:<16} {one['seconds']:>5.1f} s {one['requests']:>8} {one['failed']:>6} {one['p50_ms']:>6.1f} ms "
        f"{one['p99_ms']:>6.1f} ms {one['slowest_ms']:>7.1f} ms"
        for one in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
