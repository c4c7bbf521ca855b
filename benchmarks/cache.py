"""make bench-cache: measures the service with and without a cache of results, by the share of images that repeat.

Prints images per second as medians of interleaved rounds, each with a new service, and their ratio.
"""

from __future__ import annotations

import itertools
import statistics
import sys
from dataclasses import asdict, dataclass

from . import output
from .load import HERE, wrk
from .machine_facts import facts
from .prepare import FOLDER, SMALL, Ready, prepare

SHARES = (0.0, 0.1, 0.5, 1.0)
CACHES = (0, 64)
CONNECTIONS = 8


@dataclass(frozen=True)
class Load:
    share: float
    """Of the images, those that were sent before."""
    cache_mb: int
    images_per_second: float
    p50_ms: float


def main() -> None:
    parser = output.parser("make bench-cache", __doc__, FOLDER)
    parser.add_argument("--model", default=SMALL)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    ready = prepare(given.folder).ready(given.model, "bf16")
    loads: list[Load] = []
    for number, cache_mb in itertools.product(range(given.rounds), CACHES):
        print(f"round {number + 1} of {given.rounds}: CACHE_MB={cache_mb}", file=sys.stderr, flush=True)
        loads += measure(ready, cache_mb, given.seconds)
    machine = facts()
    text = f"{output.headline(machine)}, {given.model}, {CONNECTIONS} connections\n\n{table(loads)}"
    output.save(given.out, "cache", text, {"machine": machine, "loads": [asdict(load) for load in loads]})
    print(text)


def measure(ready: Ready, cache_mb: int, seconds: int) -> list[Load]:
    loads = []
    with ready.serve(CACHE_MB=str(cache_mb)) as started:
        for number, share in enumerate(SHARES):
            got = wrk(
                started.url,
                CONNECTIONS,
                seconds,
                ready.image,
                script=HERE / "repeats.lua",
                SHARE=str(share),
                SEED=str(number),  # no image of another share's load is sent again
            )
            if got["refused"] or got["failed"]:
                sys.exit(f"error: {got['refused']:.0f} requests were refused, {got['failed']:.0f} failed")
            loads.append(Load(share, cache_mb, got["requests"] / got["seconds"], got["p50"]))
    return loads


def table(loads: list[Load]) -> str:
    lines = [f"{'repeated':>8} {'without':>12} {'cached':>12} {'ratio':>6} {'p50 without':>12} {'p50 cached':>11}"]
    for share in SHARES:
        without, cached = ([load for load in loads if (load.share, load.cache_mb) == (share, mb)] for mb in CACHES)
        slow, fast = (statistics.median(load.images_per_second for load in some) for some in (without, cached))
        waits = [statistics.median(load.p50_ms for load in some) for some in (without, cached)]
        lines.append(
            f"{share:>8.0%} {slow:>10.1f}/s {fast:>10.1f}/s {fast / slow:>6.2f} {waits[0]:>9.1f} ms {waits[1]:>8.1f} ms"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
