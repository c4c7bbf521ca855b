"""python -m benchmarks.batch BUNDLE: the batch command beside what it consists of, in turns, in one run.

Decoding and the engine are measured alone, each on all cores, with the largest batches of the settings from one decoded
image: nothing is read or written, and neither waits for the other. The command cannot be faster than one after the
other. It reads and decodes JPEGs of 500 x 375 pixels, and writes its rows. The limit of the service is that of
`make bench`: what decodes and computes in a worker, without HTTP.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from my_inference_app.batch import model
from my_inference_app.batch.job import Job, run
from my_inference_app.bundles import bundle as bundles
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.engines.base import Engine, load_engine
from my_inference_app.inference.images.decode import decode
from my_inference_app.inference.registry import load
from my_inference_app.resources import cores
from my_inference_app.settings import Settings

from . import limit
from .images import usual_photo
from .machine_facts import facts
from .output import headline

_CLIENTS = 16
_OF_SERVICE = 3
"""It takes so many times as long as the others, since its clients need a moment to find their rhythm."""


@dataclass(frozen=True)
class Round:
    """Images per second."""

    one_engine: float
    """On all cores."""
    engines: float
    """One for each core."""
    decoding: float
    service_limit: float
    command: float

    @property
    def engine(self) -> float:
        """The faster way to compute."""
        return max(self.one_engine, self.engines)

    @property
    def bound(self) -> float:
        """The engine and decoding, one after the other."""
        return 1 / (1 / self.engine + 1 / self.decoding)

    def share(self, base: str) -> float:
        """The speed of the command, relative to this one."""
        return self.command / float(getattr(self, base))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--images", type=int, default=2000, help="for each turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each part alone")
    given = parser.parse_args()
    settings = replace(Settings.from_env(), bundle=str(given.bundle))
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        rounds = compare(settings, Path(scratch), given.images, given.rounds, given.seconds)
    made = bundles.read(given.bundle)
    precision = made.precision if made.precision == "int8" else settings.precision
    print(headline(facts()))
    print(f"{made.name}, {precision}: images/s, medians of {len(rounds)}")
    for name, speed in ROWS.items():
        print(f"{name:<46}{statistics.median(getattr(found, speed) for found in rounds):>8.1f}")
    for name, base in SHARES.items():
        shares = sorted(found.share(base) for found in rounds)
        print(f"{name:<46}{statistics.median(shares):>8.3f}   ({shares[0]:.3f} to {shares[-1]:.3f})")


ROWS = {
    "one engine on all cores": "one_engine",
    "one engine for each core": "engines",
    "decoding on all cores": "decoding",
    "the faster engine and decoding, in turns: bound": "bound",
    "the service's limit in process, 16 clients": "service_limit",
    "the batch command": "command",
}
SHARES = {
    "share of the engine": "engine",
    "share of the bound": "bound",
    "share of the service's limit": "service_limit",
}


def compare(settings: Settings, scratch: Path, count: int, rounds: int, seconds: float) -> list[Round]:
    photo = usual_photo()
    (scratch / "images").mkdir()
    for number in range(count):
        (scratch / "images" / f"{number}.jpg").write_bytes(photo)
    alone = model.settings_of_one_process(settings)
    bundle = bundles.read(Path(settings.bundle))
    image = decode(photo, bundle.input, alone.max_pixels)
    images = np.stack([image] * alone.batch_limit)
    several = engines(bundle, alone, cores())
    single = engines(bundle, alone, 1)
    decoder = partial(decode, photo, bundle.input, alone.max_pixels)
    parts = partial(_alone, single, several, images, decoder, seconds)
    classifier = load(settings).find()
    found = []
    for number in range(rounds + 1):
        # Before and after, since a shared machine changes its speed within a round.
        before = parts()
        startup = time_of_command(settings, scratch, scratch / "images" / "0.jpg")  # the first load takes longer
        taken = time_of_command(settings, scratch, scratch / "images") - startup
        after = parts()
        service = limit.drive(classifier, photo, _CLIENTS, _OF_SERVICE * seconds)
        if number:  # the first round warms up
            one, many, decoding = (2 / (1 / a + 1 / b) for a, b in zip(before, after, strict=True))
            served = service["requests"] / service["seconds"]
            found.append(Round(one, many, decoding, served, count / taken))
            print(f"round {number}: {found[-1]}", file=sys.stderr, flush=True)
    return found


def engines(bundle: Bundle, settings: Settings, count: int) -> list[Engine]:
    threads = max(1, settings.compute_thread_count // count)
    name, precision = settings.engine, settings.engine_precision
    return [load_engine(bundle, name, threads=threads, precision=precision) for _ in range(count)]


def _alone(
    single: Sequence[Engine],
    several: Sequence[Engine],
    images: NDArray[np.uint8],
    decoder: Callable[[], object],
    seconds: float,
) -> tuple[float, float, float]:
    one, many = (
        len(images) * together([partial(engine, images) for engine in which], seconds) for which in (single, several)
    )
    return one, many, together([decoder] * cores(), seconds)


def together(calls: Sequence[Callable[[], object]], seconds: float) -> float:
    """Calls per second, each made again and again on a thread of its own."""
    end = time.perf_counter() + seconds

    def again(call: Callable[[], object]) -> float:
        count, started = 0, time.perf_counter()
        while time.perf_counter() < end:
            call()
            count += 1
        return count / (time.perf_counter() - started)

    with ThreadPoolExecutor(len(calls)) as pool:
        return sum(pool.map(again, calls))


def time_of_command(settings: Settings, scratch: Path, source: Path) -> float:
    """All of it but the start of Python. Of a single image: loading the model and warming it up."""
    out = scratch / "results.parquet"
    if source.is_file():
        (scratch / "one.txt").write_text(str(source))
        source = scratch / "one.txt"
    started = time.perf_counter()
    run(Job(source, out), settings)
    seconds = time.perf_counter() - started
    out.unlink()
    return seconds


if __name__ == "__main__":
    main()
