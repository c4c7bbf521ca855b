"""python -m benchmarks.ray_engine BUNDLE: ENGINE=ray beside the engine in process, at equal cores.

Both sides are a worker without HTTP, to which clients hand JPEGs of 500 x 375 pixels. One replica computes with as many
threads as the engine in process. The CPU time of each process says what is lost on the way. A local Ray is started for
the time of the measurement.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from my_inference_app import local_ray
from my_inference_app.bundles import bundle as bundles
from my_inference_app.inference.classifier import Classifier
from my_inference_app.inference.model_classifier import ModelClassifier
from my_inference_app.resources import cores
from my_inference_app.settings import Settings

from .images import usual_photo
from .machine_facts import facts
from .output import headline

PARTS = {
    "the worker": "benchmarks.ray_engine",
    "its relay": "cluster.relay",
    "the replica": "ray::ServeReplica",
    "the controller": "ray::ServeController",
    "the raylet": "/raylet",
    "the head": "gcs_server",
}
REST = "the rest of Ray"


@dataclass(frozen=True)
class Measured:
    images_per_second: float
    cpu_ms: dict[str, float]
    """For an image, in each part."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ray_engine", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each side in each round")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    settings = replace(
        Settings.from_env(), bundle=str(given.bundle.resolve()), workers=1, ray_replicas=1, ray_cpus=float(cores())
    )
    with local_cluster(settings) as address:
        sides = {
            "in process": classifier(replace(settings, engine="openvino")),
            "on Ray": classifier(replace(settings, engine="ray", ray_address=address)),
        }
        found: dict[str, list[Measured]] = {name: [] for name in sides}
        for number in range(given.rounds + 1):
            for name, side in sides.items():
                measured = measure(side, given.clients, given.seconds)
                if number:  # the first round warms up
                    found[name].append(measured)
                    print(f"round {number}: {name} {measured.images_per_second:.1f}", file=sys.stderr, flush=True)
    print(headline(facts()))
    print(report(bundles.read(given.bundle).name, given.clients, found))


@contextmanager
def local_cluster(settings: Settings) -> Iterator[str]:
    with local_ray.own_prefix() as folder:
        server, address = local_ray.start(folder, settings)
        try:
            local_ray.wait(server, address, folder)
            variables = {"ENGINE": "ray", "RAY_ADDRESS": address, "BUNDLE": settings.bundle, "WORKERS": "1"}
            local_ray.deploy({**variables, "RAY_CPUS": f"{settings.ray_cpus:g}"})
            yield address
        finally:
            server.end(time.monotonic() + 20)


def classifier(settings: Settings) -> Classifier:
    made = ModelClassifier(bundles.read(Path(settings.bundle)), settings)
    made.warm_up()
    return made


def measure(side: Classifier, clients: int, seconds: float) -> Measured:
    photo = usual_photo()
    before, started = cpu_times(), time.perf_counter()
    end = started + seconds

    def client(_number: int) -> int:
        done = 0
        while time.perf_counter() < end:
            (outcome,) = side.classify([photo], math.inf).outcomes
            if isinstance(outcome, Exception):
                raise outcome
            done += 1
        return done

    with ThreadPoolExecutor(clients) as pool:
        count = sum(pool.map(client, range(clients)))
    elapsed, after = time.perf_counter() - started, cpu_times()
    return Measured(count / elapsed, {part: (after[part] - before[part]) * 1000 / count for part in after})


def cpu_times() -> dict[str, float]:
    """Seconds of CPU that each part has used so far."""
    found = dict.fromkeys([*PARTS, REST], 0.0)
    own = psutil.Process()
    for process in [own, *own.children(recursive=True)]:
        try:
            line, times = " ".join(process.cmdline()), process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        part = next((name for name, mark in PARTS.items() if mark in line), REST)
        found["the worker" if process == own else part] += times.user + times.system
    return found


def report(model: str, clients: int, found: dict[str, list[Measured]]) -> str:
    speeds = {name: statistics.median(each.images_per_second for each in rounds) for name, rounds in found.items()}
    lines = [f"{model}, {clients} clients, {cores()} threads compute; medians of {len(found['on Ray'])} rounds", ""]
    lines.append(f"{'':<22}{'in process':>12}{'on Ray':>12}")
    lines.append(f"{'images/s':<22}" + "".join(f"{speed:>12.1f}" for speed in speeds.values()))
    for part in [*PARTS, REST]:
        values = [statistics.median(each.cpu_ms[part] for each in rounds) for rounds in found.values()]
        if max(values) >= 0.05:
            lines.append(f"{'CPU ms in ' + part:<22}" + "".join(f"{value:>12.2f}" for value in values))
    shares = sorted(
        there.images_per_second / here.images_per_second
        for here, there in zip(found["in process"], found["on Ray"], strict=True)
    )
    lines.append(f"{'share':<22}{statistics.median(shares):>24.2f}   ({shares[0]:.2f} to {shares[-1]:.2f})")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
