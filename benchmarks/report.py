"""Medians of the rounds, as a table, as JSON and as a chart."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from . import output
from .load import Measured


@dataclass
class Results:
    machine: dict[str, object]
    titles: dict[str, str]
    ready: dict[str, list[float]] = field(default_factory=dict)
    measured: dict[str, list[Measured]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def add(self, row: str, measured: Measured) -> None:
        self.measured.setdefault(row, []).append(measured)

    def connections(self) -> list[int]:
        return sorted({item.connections for items in self.measured.values() for item in items})

    def values(self, row: str, connections: int, what: Callable[[Measured], float]) -> list[float]:
        return [what(item) for item in self.measured.get(row, []) if item.connections == connections]

    def median(self, row: str, connections: int, what: Callable[[Measured], float]) -> float:
        return statistics.median(self.values(row, connections, what) or [0.0])


def speed(item: Measured) -> float:
    return item.images_per_second


def text(results: Results) -> str:
    lines = [output.headline(results.machine), ""]
    lines.append(
        f"{'':<48} {'conn.':>5} {'images/s':>9} {'spread':>7} {'p50 ms':>8} {'p99 ms':>9} "
        f"{'CPU s/1000':>10} {'peak MB':>8} {'ready s':>8} {'errors':>7}"
    )
    for row, title in results.titles.items():
        if row in results.problems:
            lines.append(f"{title:<48} left out: {results.problems[row].splitlines()[0]}")
            continue
        for connections in results.connections():
            lines.append(_line(results, row, title, connections))
    return "\n".join([*lines, "", *ratios(results)])


def _line(results: Results, row: str, title: str, connections: int) -> str:
    def median(what: Callable[[Measured], float]) -> float:
        return results.median(row, connections, what)

    speeds = results.values(row, connections, speed)
    spread = (max(speeds) - min(speeds)) / 2 / max(median(speed), 0.001)
    errors = sum(results.values(row, connections, lambda item: item.refused + item.failed))
    return (
        f"{title:<48} {connections:>5} {median(speed):>9.1f} {spread:>7.0%} {median(lambda item: item.p50_ms):>8.1f} "
        f"{median(lambda item: item.p99_ms):>9.1f} {median(lambda item: item.cpu_seconds_per_1000):>10.1f} "
        f"{median(lambda item: item.peak_mb):>8.0f} {statistics.median(results.ready[row]):>8.1f} {errors:>7.0f}"
    )


def ratios(results: Results) -> list[str]:
    """Speed of the service relative to its limit and to the others, at 16 connections or the most measured."""
    counts = results.connections()
    at = 16 if 16 in counts else counts[-1]
    found = {row: results.median(row, at, speed) for row in results.titles if row not in results.problems}
    lines = []

    def compare(one: str, other: str, words: str) -> None:
        if one in found and found.get(other):
            lines.append(f"{found[one] / found[other]:6.2f}  {words}, {at} connections")

    for kind in ("bf16", "int8", "small"):
        compare(f"service-{kind}", f"limit-{kind}", f"this service ({kind}) / its in-process limit")
    others = [row for row in found if not row.startswith(("service", "limit", "litserve-openvino"))]
    if others:
        best = max(others, key=lambda row: found[row])
        compare("service-bf16", best, f"this service (bf16) / the best other, {results.titles[best]}")
        compare("service-int8", best, f"this service (int8) / the best other, {results.titles[best]}")
    compare("service-bf16", "litserve-openvino", "this service (bf16) / LitServe around the same engine")
    compare("service-int8", "litserve-openvino-int8", "this service (int8) / LitServe around the same engine")
    return lines


def write(results: Results, folder: Path) -> None:
    output.save(folder, "bench", text(results), _as_data(results))
    chart(results, folder / "bench.svg")


def _as_data(results: Results) -> dict[str, Any]:
    return {
        "machine": results.machine,
        "rows": {
            row: {
                "title": title,
                "problem": results.problems.get(row),
                "seconds_to_ready": results.ready.get(row, []),
                "loads": [asdict(item) for item in results.measured.get(row, [])],
            }
            for row, title in results.titles.items()
        },
        "ratios": ratios(results),
    }


def chart(results: Results, path: Path) -> None:
    """A static chart: images per second of ResNet-50, one bar for each row."""
    counts = results.connections()
    at = 16 if 16 in counts else counts[-1]
    rows = {
        row: results.median(row, at, speed)
        for row in results.titles
        if row not in results.problems and not row.endswith("small")
    }
    order = sorted(rows, key=lambda row: -rows[row])
    widest = max(rows.values(), default=1.0) or 1.0
    bars = [_bar(index, results.titles[row], rows[row], widest) for index, row in enumerate(order)]
    height = 70 + 30 * len(order)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 {height}" font-family="sans-serif" font-size="14">\n'
        f'<rect width="860" height="{height}" fill="#fff"/>\n'
        f'<text x="10" y="26" font-size="17">ResNet-50, images per second, {at} connections</text>\n'
        f'<text x="10" y="46" font-size="12" fill="#666">{results.machine["processor"]}, '
        f"{results.machine['cores']} cores</text>\n" + "\n".join(bars) + "\n</svg>\n"
    )


def _bar(index: int, title: str, value: float, widest: float) -> str:
    top = 58 + 30 * index
    width = 390 * value / widest
    colour = "#0b6bcb" if title.startswith("THIS") else "#bbb" if title.startswith("in process") else "#8a8f98"
    return (
        f'<text x="390" y="{top + 17}" text-anchor="end">{title}</text>'
        f'<rect x="400" y="{top}" width="{width:.1f}" height="24" rx="3" fill="{colour}"/>'
        f'<text x="{406 + width:.1f}" y="{top + 17}" fill="#333">{value:.{0 if value >= 10 else 1}f}</text>'
    )
