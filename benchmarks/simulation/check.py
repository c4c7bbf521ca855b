"""Compares the simulation of one pod with the real service on this machine.

One run with 1 and with 16 clients gives the costs. The other loads are then simulated with these costs, and measured.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from my_inference_app.resources import cores

from ..prepare import Ready
from ..rows import Started
from .machine import Load, Seen, seen, simulate
from .pod import Costs, Shape
from .real import Clients, totals

MANY = 16
CLOSED = (2, 4, 8, 32)
RATES = (0.3, 0.5, 0.7)
"""Of the throughput with 16 clients."""
ALLOWED = 0.2


@dataclass(frozen=True)
class Row:
    load: str
    measured: Seen
    simulated: Seen

    @property
    def differences(self) -> list[float]:
        pairs = zip(asdict(self.measured).values(), asdict(self.simulated).values(), strict=True)
        return [simulated / measured - 1 for measured, simulated in pairs]


def check(ready: Ready, seconds: float) -> tuple[Costs, list[Row]]:
    """`seconds` for each load."""
    shape = Shape(cores(), request_timeout=60)
    settings = {"WORKERS": "1", "THREADS": str(shape.threads), "MAX_BATCH": str(shape.max_batch)}
    with ready.serve(**settings, REQUEST_TIMEOUT=str(shape.request_timeout)) as started:
        clients = Clients(started.url, ready.image)
        costs, speed = _calibrate(clients, started, shape.cores, seconds)
        loads = [*(Load(count) for count in CLOSED), *(Load(rate=round(share * speed)) for share in RATES)]
        measured = [seen(clients.take(load, seconds), seconds) for load in loads]
    return costs, [
        Row(str(load), found, seen(simulate(costs, shape, load, seconds), seconds))
        for load, found in zip(loads, measured, strict=True)
    ]


def _calibrate(clients: Clients, started: Started, count: int, seconds: float) -> tuple[Costs, float]:
    before = totals(started)
    alone = statistics.median(clients.take(Load(1), seconds))
    between = totals(started)
    speed = len(clients.take(Load(MANY), seconds)) / seconds
    after = totals(started)
    engine = (between["infer"] - before["infer"]) / (between["requests"] - before["requests"])
    size = (after["images"] - between["images"]) / (after["batches"] - between["batches"])
    return costs(alone, engine, speed, size, count), speed


def costs(alone: float, engine: float, speed: float, size: float, count: int) -> Costs:
    """A lone request takes `alone` seconds, `engine` of them on all cores. With many clients all cores are busy."""
    request = alone - engine
    one = engine * count
    many = count * size / speed - size * request
    image = (many - one) / (size - 1)
    return Costs(request, one - image, image)


def table(rows: Sequence[Row]) -> str:
    lines = ["| load | requests/s | p50, ms | p95, ms | largest difference |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        real, model = row.measured, row.simulated
        cells = [
            f"{real.per_second:.1f} / {model.per_second:.1f}",
            f"{real.p50 * 1000:.0f} / {model.p50 * 1000:.0f}",
            f"{real.p95 * 1000:.0f} / {model.p95 * 1000:.0f}",
        ]
        lines.append(f"| {row.load} | {' | '.join(cells)} | {max(row.differences, key=abs):+.0%} |")
    return "\n".join(lines)


def as_data(costs: Costs, rows: Sequence[Row]) -> dict[str, Any]:
    return {"costs": asdict(costs), "rows": [asdict(row) for row in rows]}
