"""Compares the simulation of one pod with the real service on this machine.

Requests that are alone, and a load of 16 clients, give the costs. The other loads are then simulated with these costs,
and measured.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, replace
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


@dataclass(frozen=True)
class _Calibration:
    lone: list[float]
    """Seconds of requests that were alone."""
    engine: float
    """Seconds of the engine for one of them."""
    speed: float
    """Requests per second of many clients."""
    batch: float
    """Images in one of their batches."""


def check(ready: Ready, seconds: float, rounds: int) -> tuple[Costs, list[Row]]:
    """`seconds` for each load in each of the interleaved rounds."""
    shape = Shape(cores(), request_timeout=30)
    settings = {
        "WORKERS": "1",
        "THREADS": str(shape.threads),
        "MAX_BATCH": str(shape.max_batch),
        "REQUEST_TIMEOUT": "30",
    }
    found: list[_Calibration] = []
    measured: dict[Load, list[Seen]] = {}
    with ready.serve(**settings) as started:
        clients = Clients(started.url, ready.image)
        for number in range(rounds):
            found.append(_calibrate(clients, started, seconds))
            rates = [Load(rate=round(share * found[0].speed)) for share in RATES]
            for load in [*map(Load, CLOSED), *rates]:
                measured.setdefault(load, []).append(seen(clients.take(load, seconds, number), seconds))
    calibrated = _costs(found, shape.cores)
    rows = []
    for load, real in measured.items():
        runs = [simulate(calibrated, shape, load, seconds, number) for number in range(rounds)]
        rows.append(Row(str(load), _median(real), _median([seen(run, seconds) for run in runs])))
    return calibrated, rows


def _calibrate(clients: Clients, started: Started, seconds: float) -> _Calibration:
    before = totals(started)
    lone = clients.alone(seconds)
    between = totals(started)
    speed = len(clients.take(Load(MANY), seconds)) / seconds
    after = totals(started)
    engine = (between["infer"] - before["infer"]) / (between["requests"] - before["requests"])
    return _Calibration(
        lone, engine, speed, (after["images"] - between["images"]) / (after["batches"] - between["batches"])
    )


def _costs(found: Sequence[_Calibration], count: int) -> Costs:
    lone = [value for calibration in found for value in calibration.lone]
    average = statistics.median(statistics.mean(calibration.lone) for calibration in found)
    engine, speed, batch = (
        statistics.median(getattr(calibration, name) for calibration in found) for name in ("engine", "speed", "batch")
    )
    spread = [value / statistics.mean(lone) for value in statistics.quantiles(lone, n=20)]
    return replace(costs(average, engine, speed, batch, count), spread=spread)


def _median(windows: Sequence[Seen]) -> Seen:
    return Seen(*(statistics.median(values) for values in zip(*(astuple(window) for window in windows), strict=True)))


def costs(alone: float, engine: float, speed: float, size: float, count: int) -> Costs:
    """A lone request takes `alone` seconds, `engine` of them on all cores. With many clients all cores are busy."""
    request = alone - engine
    one = engine * count
    many = count * size / speed - size * request
    image = (many - one) / (size - 1)
    return Costs(request, one - image, image)


def table(found: dict[str, Any]) -> str:
    """Of all models that were measured."""
    lines = [
        "| model | load | requests/s | p50, ms | p95, ms | largest difference |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, about in found.items():
        for row in map(from_data, about["rows"]):
            real, model = row.measured, row.simulated
            cells = [
                f"{real.per_second:.1f} / {model.per_second:.1f}",
                f"{real.p50 * 1000:.0f} / {model.p50 * 1000:.0f}",
                f"{real.p95 * 1000:.0f} / {model.p95 * 1000:.0f}",
            ]
            lines.append(f"| {name} | {row.load} | {' | '.join(cells)} | {max(row.differences, key=abs):+.0%} |")
    return "\n".join(lines)


def as_data(costs: Costs, rows: Sequence[Row]) -> dict[str, Any]:
    return {"costs": asdict(costs), "rows": [asdict(row) for row in rows]}


def from_data(data: dict[str, Any]) -> Row:
    return Row(data["load"], Seen(**data["measured"]), Seen(**data["simulated"]))
