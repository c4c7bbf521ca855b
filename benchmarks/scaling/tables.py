"""The tables of docs/scaling.md, from the measurements alone."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from ..output import headline
from .measure import LAYOUTS, ONE_CORE, REPLICAS, TWO_CORES, WORKERS

TARGET = 0.7
"""The share of a node's throughput that is planned with: the autoscaler's target."""
SPARE = 20
"""Of so many nodes one is a spare, and at least one is."""
GROUP = 150
"""Nodes behind one nginx: its configuration has room for so many."""
RATES = (10, 1_000, 100_000)


def all_of(found: dict[str, Any]) -> dict[str, str]:
    models, cost = found["models"], found["bounds"]
    made = {
        "growth": growth(models),
        "million": million(models),
        "bounds": bounds(cost),
        "sizing": sizing(models, cost),
    }
    return {**made, "machine": f"```\n{headline(found['machine'])}\n```"}


def growth(models: dict[str, Any]) -> str:
    rows = []
    for model, about in models.items():
        base = median(about, ONE_CORE, "many", "images_per_second")
        for layout in LAYOUTS:
            speed = median(about, layout, "many", "images_per_second")
            rows.append(
                [
                    model,
                    layout,
                    f"{speed:.1f}",
                    f"{speed / base:.2f}",
                    f"{spread(about, layout):.0%}",
                    *(f"{median(about, layout, 'many', name):.{digits}f}" for name, digits in _COSTS),
                    f"{median(about, layout, 'one', 'p50_ms'):.1f}",
                    f"{median(about, layout, 'many', 'app_mb'):.0f}",
                ]
            )
    return _table(
        ["model", "layout", "images/s", "growth", "spread", "app ms", "nginx ms", "p50 of one, ms", "app MB"], rows
    )


_COSTS = (("app_ms", 1), ("nginx_ms", 2))


def million(models: dict[str, Any]) -> str:
    rows = []
    for model, about in models.items():
        layout = fastest(about)
        app, nginx = (median(about, layout, "many", name) * 1000 for name, _ in _COSTS)
        speed = median(about, layout, "many", "images_per_second")
        rows.append(
            [
                model,
                f"{app:,.0f} + {nginx:,.0f}",
                f"{1e6 / speed / 3600:.1f}",
                f"{median(about, layout, 'many', 'app_mb') + median(about, layout, 'many', 'nginx_mb'):.0f}",
                f"{about['request_bytes'] / 1000:.1f}",
                f"{about['response_bytes'] / 1000:.2f}",
            ]
        )
    return _table(
        ["model", "core-seconds, app + nginx", "hours of 2 cores", "MB in memory", "GB received", "GB sent"], rows
    )


def sizing(models: dict[str, Any], cost: dict[str, Any]) -> str:
    """nginx costs the same for every model. It is measured best with many requests, which come from the cache."""
    rows, nginx = [], cost["cached"]["many"]["nginx_ms"]
    for model, about in models.items():
        speed = median(about, fastest(about), "many", "images_per_second")
        for rate in RATES:
            busy, spare = nodes(rate, speed)
            cores = rate * nginx / 1000 / TARGET
            rows.append(
                [
                    model,
                    f"{rate:,}",
                    f"{rate:,} / ({speed:.1f} * {TARGET}) = {rate / (speed * TARGET):,.2f}: {busy:,} + {spare:,} spare",
                    f"**{busy + spare:,}**",
                    f"{math.ceil((busy + spare) / GROUP):,}",
                    f"{rate:,} * {nginx:.2f} ms / {TARGET} = {cores:,.2f}",
                    f"{rate * about['request_bytes'] * 8 / 1e9:,.2f}",
                ]
            )
    return _table(
        ["model", "requests/s", "nodes of 2 cores", "nodes", "groups", "cores of nginx", "Gbit/s received"], rows
    )


def nodes(rate: float, speed: float) -> tuple[int, int]:
    """Nodes that work, and spare ones."""
    busy = math.ceil(rate / (speed * TARGET))
    return busy, math.ceil(busy / SPARE)


def bounds(about: dict[str, Any]) -> str:
    cached = about["cached"]["many"]
    rows = [
        ("decoding a photo of 500 x 375 pixels", _each(about["decode_ms"], "images/s and core")),
        ("decoding a photo of 12 megapixels", _each(about["decode_12_megapixels_ms"], "images/s and core")),
        (
            "Python and HTTP in one worker, results from the cache",
            f"{cached['images_per_second']:,.0f} requests/s, {cached['app_ms']:.2f} ms of CPU each",
        ),
        ("nginx", _each(cached["nginx_ms"], "requests/s and core")),
        ("computing in a cache (SHA-256)", _one_and_two(about["hashed_gb_per_second"])),
        ("copying memory", _one_and_two(about["copied_gb_per_second"])),
    ]
    return _table(["", "at most"], rows)


def _each(milliseconds: float, unit: str) -> str:
    return f"{1000 / milliseconds:,.0f} {unit}, {milliseconds:.2f} ms each"


def _one_and_two(rates: Sequence[float]) -> str:
    one, two = rates
    return f"{one:.2f} GB/s on one core, {two:.2f} GB/s on two: {two / one:.2f} times as much"


def fastest(about: dict[str, Any]) -> str:
    """Of the layouts with two cores in one node."""
    return max((TWO_CORES, REPLICAS, WORKERS), key=lambda layout: median(about, layout, "many", "images_per_second"))


def median(about: dict[str, Any], layout: str, load: str, name: str) -> float:
    return float(statistics.median(run[load][name] for run in about["layouts"][layout]))


def spread(about: dict[str, Any], layout: str) -> float:
    """Half the distance from the slowest round to the fastest."""
    speeds = [run["many"]["images_per_second"] for run in about["layouts"][layout]]
    return float((max(speeds) - min(speeds)) / 2 / statistics.median(speeds))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
