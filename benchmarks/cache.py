"""make bench-cache: measures the service with and without a cache of results, by the share of images that repeat.

Prints medians of interleaved rounds, each with a new service: images per second, and the CPU time of the service.
"""

from __future__ import annotations

import itertools
import statistics
import sys
from dataclasses import asdict, dataclass

import requests

from . import output
from .load import HERE, Watch, wrk
from .machine_facts import facts
from .prepare import FOLDER, SMALL, Ready, prepare

SHARES = (0.0, 0.1, 0.5, 1.0)
CACHES = (0, 64)
CONNECTIONS = 8
KNOWN = 50
"""Images that repeat. Each was sent once before a load begins."""


@dataclass(frozen=True)
class Load:
    share: float
    """Of the images, those that were sent before."""
    cache_mb: int
    images_per_second: float
    p50_ms: float
    cpu_ms: float
    """CPU time of the service for each image, nginx and workers together."""


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
            seed = str(number)  # no image of another share's load is sent again
            for image in range(1, KNOWN + 1):
                data = ready.image.read_bytes() + f"{seed}-{image}".encode()
                requests.post(started.url, data=data, timeout=60).raise_for_status()
            with Watch(started.process) as watch:
                got = wrk(
                    started.url,
                    CONNECTIONS,
                    seconds,
                    ready.image,
                    script=HERE / "repeats.lua",
                    SHARE=str(share),
                    SEED=seed,
                    KNOWN=str(KNOWN),
                )
            if got["refused"] or got["failed"]:
                sys.exit(f"error: {got['refused']:.0f} requests were refused, {got['failed']:.0f} failed")
            cpu_ms = watch.cpu_seconds / got["requests"] * 1000
            loads.append(Load(share, cache_mb, got["requests"] / got["seconds"], got["p50"], cpu_ms))
    return loads


def table(loads: list[Load]) -> str:
    lines = [f"{'repeated':>8} {'cache':>6} {'images/s':>9} {'p50':>9} {'CPU/image':>10} {'ratio':>6}"]
    for share, cache_mb in itertools.product(SHARES, CACHES):
        some = [load for load in loads if (load.share, load.cache_mb) == (share, cache_mb)]
        per_second, p50, cpu = (
            statistics.median(getattr(load, name) for load in some)
            for name in ("images_per_second", "p50_ms", "cpu_ms")
        )
        without = statistics.median(load.cpu_ms for load in loads if (load.share, load.cache_mb) == (share, 0))
        lines.append(
            f"{share:>8.0%} {'on' if cache_mb else 'off':>6} {per_second:>9.1f} {p50:>6.1f} ms {cpu:>7.2f} ms "
            f"{cpu / without:>6.2f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
