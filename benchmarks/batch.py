"""python -m benchmarks.batch BUNDLE: the batch command beside its engine alone, in turns, in one run.

The engine computes the largest batches of the settings from one decoded image, again and again: nothing is read,
decoded or written. The command reads and decodes JPEGs of 500 x 375 pixels, and writes its rows.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from my_inference_app.batch import model
from my_inference_app.batch.job import Job, run
from my_inference_app.bundles import bundle as bundles
from my_inference_app.engines.base import Engine, load_engine
from my_inference_app.inference.images.decode import decode
from my_inference_app.settings import Settings

from .images import usual_photo
from .machine_facts import facts
from .output import headline


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--images", type=int, default=500, help="for each turn")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    settings = replace(Settings.from_env(), bundle=str(given.bundle))
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        pairs = compare(settings, Path(scratch), given.images, given.rounds)
    print(headline(facts()))
    print(
        f"{bundles.read(given.bundle).name}, {bundles.read(given.bundle).precision}: images/s, medians of {len(pairs)}"
    )
    print(f"{'the engine alone':<24}{statistics.median(engine for engine, _ in pairs):>8.1f}")
    print(f"{'the batch command':<24}{statistics.median(batch for _, batch in pairs):>8.1f}")
    shares = sorted(batch / engine for engine, batch in pairs)
    print(f"{'share':<24}{statistics.median(shares):>8.3f}   ({shares[0]:.3f} to {shares[-1]:.3f})")


def compare(settings: Settings, scratch: Path, count: int, rounds: int) -> list[tuple[float, float]]:
    """Images per second of the engine and of the command, for each round."""
    photo = usual_photo()
    (scratch / "images").mkdir()
    for number in range(count):
        (scratch / "images" / f"{number}.jpg").write_bytes(photo)
    alone = model.settings_of_one_process(settings)
    bundle = bundles.read(Path(settings.bundle))
    engine = load_engine(bundle, alone.engine, threads=alone.compute_thread_count, precision=alone.engine_precision)
    images = np.stack([decode(photo, bundle.input, alone.max_pixels)] * alone.batch_limit)
    startup = time_of_command(settings, scratch, scratch / "images" / "0.jpg")
    found = []
    for number in range(rounds + 1):
        before = speed_of(engine, images, count // 2)
        seconds = time_of_command(settings, scratch, scratch / "images") - startup
        after = speed_of(engine, images, count // 2)
        if number:  # the first round warms up
            # Before and after, since a shared machine changes its speed within a round.
            found.append((2 / (1 / before + 1 / after), count / seconds))
            print(f"round {number}: {found[-1][0]:.1f} and {found[-1][1]:.1f} images/s", file=sys.stderr, flush=True)
    return found


def speed_of(engine: Engine, images: NDArray[np.uint8], count: int) -> float:
    done, started = 0, time.perf_counter()
    while done < count:
        done += len(engine(images))
    return done / (time.perf_counter() - started)


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
