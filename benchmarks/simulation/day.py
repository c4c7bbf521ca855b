"""The day of docs/scaling.md, and what it comes to."""

from __future__ import annotations

from pathlib import Path

from . import plot
from .autoscaler import Rules
from .cluster import Scenario, simulate
from .pod import Costs
from .record import ANSWERED, LATE, REFUSED, Record, percentile
from .traffic import HOUR, SPIKE_AT, SPIKE_SECONDS

PEAK = 100.0


def scenario(costs: Costs, peak: float, hours: float) -> Scenario:
    return Scenario(costs, Rules.read(), peak, hours=hours)


def run(scenario: Scenario, seed: int, picture: Path) -> str:
    record = simulate(scenario, seed)
    plot.save(record, scenario, picture)
    return summary(record, scenario)


def summary(record: Record, scenario: Scenario) -> str:
    lost = scenario.node_lost_at
    replaced = lost + scenario.noticed_after + scenario.replaced_after + scenario.start_seconds
    parts = {
        "the whole day": (0.0, scenario.hours * HOUR),
        "until the lost node is replaced": (lost, replaced),
        "the spike": (SPIKE_AT, SPIKE_AT + SPIKE_SECONDS),
    }
    lines = [
        "| | requests | refused | too late | p50, ms | p95, ms | p99, ms | slowest, s | pods |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, (begin, end) in parts.items():
        minutes = record.minutes[int(begin / 60) : int(end / 60)]
        if minutes:
            lines.append(f"| {name} | {' | '.join(_cells(Record(minutes)))} |")
    return "\n".join(lines)


def _cells(part: Record) -> list[str]:
    ended, seconds = part.ended, sorted(value for minute in part.minutes for value in minute.seconds)
    assert sum(ended.values()) == ended[ANSWERED] + ended[REFUSED] + ended[LATE]
    ready = [minute.ready for minute in part.minutes]
    return [
        f"{part.arrived:,}",
        f"{ended[REFUSED]:,}",
        f"{ended[LATE]:,}",
        *(f"{percentile(seconds, share) * 1000:,.0f}" for share in (0.5, 0.95, 0.99)),
        f"{seconds[-1] if seconds else 0.0:.1f}",
        f"{min(ready)} to {max(ready)}",
    ]
