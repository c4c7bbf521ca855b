"""python -m benchmarks.doubt BUNDLE CALIBRATED: what the doubts of a calibrated bundle cost, in turns with the same one
without a calibration.

One thread classifies a usual photo again and again: decoding, the model and, with a calibration, the statistics of the
image and what follows from them. CPU time is that of the whole process.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from benchmarks.images import usual_photo
from my_inference_app.bundles import bundle as bundles
from my_inference_app.errors import raised
from my_inference_app.inference.images.statistics import statistics as statistics_of
from my_inference_app.inference.model_classifier import ModelClassifier
from my_inference_app.settings import Settings

_PHOTOS = 20


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.doubt", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("calibrated", type=Path)
    parser.add_argument("--rounds", type=int, default=30)
    given = parser.parse_args()
    photo = usual_photo()
    runs: dict[str, Callable[[], None]] = {}
    for name, folder in (("not calibrated", given.bundle), ("calibrated", given.calibrated)):
        before = psutil.Process().memory_full_info().uss
        runs[name] = _run_of(folder, photo)
        runs[name]()
        print(f"{name:<16}{(psutil.Process().memory_full_info().uss - before) / 1e6:>8.1f} MB more with this bundle")
    spent: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(given.rounds):
        for name in sorted(runs, reverse=bool(number % 2)):
            started = time.process_time()
            runs[name]()
            spent[name].append((time.process_time() - started) / _PHOTOS * 1000)
    for name, milliseconds in spent.items():
        print(f"{name:<16}{statistics.median(milliseconds):>8.2f} ms of CPU an image")
    ratios = [new / old for old, new in zip(spent["not calibrated"], spent["calibrated"], strict=True)]
    print(f"ratio           {statistics.median(ratios):>8.3f}")
    image = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    print(f"statistics      {_milliseconds(lambda: statistics_of(image)):>8.2f} ms an image")


def _run_of(folder: Path, photo: bytes) -> Callable[[], None]:
    classifier = ModelClassifier(bundles.read(folder), Settings(compute_threads=1, workers=1))
    classifier.warm_up()

    def run() -> None:
        for _ in range(_PHOTOS):
            result = raised(classifier.classify([photo], time.monotonic() + 60).outcomes[0])
            result.doubts()
            result.top(5)

    return run


def _milliseconds(work: Callable[[], object], times: int = 300) -> float:
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times * 1000


if __name__ == "__main__":
    main()
