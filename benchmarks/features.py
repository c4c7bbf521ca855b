"""python -m benchmarks.features BUNDLE: what features in a bundle cost, while nobody asks for them and when asked.

Throughput is of batches of eight in turns, in one run; memory is of a process of its own for each case.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino as ov
import psutil

from my_inference_app.bundles import bundle as bundles
from my_inference_app.engines import openvino
from my_inference_app.engines.base import FeatureEngine, Images, Options
from my_inference_app.resources import cores

CASES = ("without", "not asked", "asked")
_BATCH = 8

Run = Callable[[Images], object]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.features", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--seconds", type=float, default=0.4, help="time for each case in each round")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--memory-of", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    images = np.zeros((_BATCH, *bundles.read(given.bundle).input.size, 3), np.uint8)
    if given.memory_of:
        case, model = given.memory_of
        print(memory(run_of(case, Path(model)), images))
        return
    with tempfile.TemporaryDirectory() as scratch:
        models = dict.fromkeys(CASES, given.bundle / "model.xml")
        models["without"] = without_features(given.bundle / "model.xml", Path(scratch) / "model.xml")
        print(f"{'features':<11} {'share of the throughput':>24} {'memory in MB':>13}")
        runs = {case: run_of(case, model) for case, model in models.items()}
        shares = compare(runs, images, given.rounds, given.seconds)
        for case, model in models.items():
            arguments = [str(given.bundle), "--memory-of", case, str(model)]
            used = subprocess.check_output([sys.executable, "-m", "benchmarks.features", *arguments], text=True)
            print(f"{case:<11} {shares[case]:>24.4f} {float(used):>13.1f}", flush=True)


def without_features(whole: Path, bare: Path) -> Path:
    model = ov.Core().read_model(whole)
    for further in model.get_results()[1:]:
        model.remove_result(further)
    ov.save_model(model, bare)
    return bare


def run_of(case: str, model: Path) -> Run:
    engine = openvino.load_file(model, Options(cores()))
    assert isinstance(engine, FeatureEngine)
    return engine.with_features if case == "asked" else engine


def compare(runs: dict[str, Run], images: Images, rounds: int, seconds: float) -> dict[str, float]:
    """Throughput as a share of that of the model without features: the median of the rounds."""
    speeds: dict[str, list[float]] = {case: [] for case in CASES}
    for number in range(rounds + 1):
        first = number % len(CASES)  # each case follows another one, whose weights are in the cache
        for case in CASES[first:] + CASES[:first]:
            done, started = 0, time.perf_counter()
            while (elapsed := time.perf_counter() - started) < seconds:
                runs[case](images)
                done += 1
            if number:  # the first round warms up
                speeds[case].append(done / elapsed)
    bare = speeds[CASES[0]]
    return {case: statistics.median(a / b for a, b in zip(speeds[case], bare, strict=True)) for case in CASES}


def memory(run: Run, images: Images) -> float:
    for _ in range(3):
        run(images)
    used: int = psutil.Process().memory_full_info().uss
    return used / 1e6


if __name__ == "__main__":
    main()
