"""make bench-layouts: measures numbers of processes, threads and images in a batch, to choose the defaults.

Prints images per second and latency of each layout, as medians of interleaved rounds.
"""

from __future__ import annotations

import itertools
import statistics
import sys
from dataclasses import asdict, dataclass

from my_inference_app.resources import cores

from . import output
from .load import Measured
from .machine_facts import facts
from .prepare import FOLDER, NETWORK, prepare


@dataclass(frozen=True)
class Layout:
    workers: int
    compute_threads: int
    threads: int
    max_batch: int

    def settings(self) -> dict[str, str]:
        return {name.upper(): str(value) for name, value in asdict(self).items()}


def main() -> None:
    parser = output.parser("make bench-layouts", __doc__, FOLDER)
    parser.add_argument("--precision", default="int8", help="the layout matters most with the fastest engine")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    ready = prepare(given.folder).ready(NETWORK, given.precision)
    found: dict[Layout, list[tuple[Measured, Measured]]] = {layout: [] for layout in layouts(cores())}
    for number, layout in itertools.product(range(given.rounds), found):
        print(f"round {number + 1} of {given.rounds}: {layout}", file=sys.stderr, flush=True)
        with ready.serve(**layout.settings()) as started:
            found[layout].append((started.load(1, given.seconds), started.load(16, given.seconds)))
    machine = facts()
    text = table(machine, found)
    rows = [{**asdict(layout), "loads": [[asdict(a), asdict(b)] for a, b in runs]} for layout, runs in found.items()]
    output.save(given.out, "layouts", text, {"machine": machine, "rows": rows})
    print(text)


def layouts(count: int) -> list[Layout]:
    """Ways to divide the cores, and for the best of them other numbers of threads and images in a batch."""
    workers = sorted({1, max(1, count // 2), count})
    shares = [
        Layout(number, compute, 32, 8) for number in workers for compute in sorted({1, max(1, count // number), count})
    ]
    base = Layout(max(1, count // 2), max(1, count // max(1, count // 2)), 32, 8)
    others = [Layout(base.workers, base.compute_threads, *pair) for pair in ((8, 8), (64, 8), (32, 4), (32, 16))]
    return list(dict.fromkeys([*shares, *others]))


def table(machine: output.Machine, found: dict[Layout, list[tuple[Measured, Measured]]]) -> str:
    lines = [output.headline(machine), ""]
    lines.append(
        f"{'workers':>7} {'compute threads':>15} {'threads':>7} {'batch':>5} "
        f"{'images/s':>9} {'spread':>7} {'p99 ms':>7} {'p50 ms of one':>14} {'MB':>6}"
    )
    for layout, runs in sorted(found.items(), key=lambda item: -_speed(item[1])):
        speeds = [many.images_per_second for _, many in runs]
        lines.append(
            f"{layout.workers:>7} {layout.compute_threads:>15} {layout.threads:>7} {layout.max_batch:>5} "
            f"{_speed(runs):>9.1f} {(max(speeds) - min(speeds)) / 2 / _speed(runs):>7.0%} "
            f"{statistics.median(many.p99_ms for _, many in runs):>7.0f} "
            f"{statistics.median(one.p50_ms for one, _ in runs):>14.1f} "
            f"{statistics.median(many.peak_mb for _, many in runs):>6.0f}"
        )
    return "\n".join(lines)


def _speed(runs: list[tuple[Measured, Measured]]) -> float:
    return statistics.median(many.images_per_second for _, many in runs)


if __name__ == "__main__":
    main()
