"""make bench-engines: measures one network in every engine, from decoded images to logits.

The weights are random, since speed does not depend on them. int8 is calibrated with crops of the sample images.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from my_inference_app.engines import openvino, torchscript
from my_inference_app.engines.base import Engine
from my_inference_app.engines.base import Options as EngineOptions
from my_inference_app.export import convert, quantize
from my_inference_app.export.loaded_model import LoadedModel
from my_inference_app.export.options import Options
from my_inference_app.export.sources import find
from my_inference_app.resources import cores

from . import output
from .images import crops
from .machine_facts import facts

Images = NDArray[np.uint8]
BATCH = 8


@dataclass(frozen=True)
class Row:
    network: str
    engine: str
    images_per_second: float
    spread: float
    """Half the distance between the fastest and the slowest round, as a share of the median."""
    top5_same: float
    gain_percent: float


def main() -> None:
    parser = output.parser("make bench-engines", __doc__)
    parser.add_argument("--networks", nargs="+", default=["resnet50", "resnet152"])
    parser.add_argument("--seconds", type=float, default=4.0, help="time for each engine in each round")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    rows = [row for network in given.networks for row in compare(network, given.seconds, given.rounds)]
    machine = facts()
    text = table(machine, rows)
    output.save(given.out, "engines", text, {"machine": machine, "rows": [asdict(row) for row in rows]})
    print(text)


def table(machine: output.Machine, rows: list[Row]) -> str:
    lines = [output.headline(machine), ""]
    lines.append(f"{'network':<11} {'engine':<22} {'images/s':>9} {'spread':>7} {'top 5 same':>11} {'gain':>7}")
    lines += [
        f"{row.network:<11} {row.engine:<22} {row.images_per_second:>9.1f} {row.spread:>7.0%} "
        f"{row.top5_same:>11.0%} {row.gain_percent:>+6.0f}%"
        for row in rows
    ]
    return "\n".join(lines)


def compare(network: str, seconds: float, rounds: int) -> list[Row]:
    torch.set_num_threads(cores())
    options = Options(f"torchvision:{network}", random_weights=True)
    model = find(options.model).load(options)
    images = crops()
    with engines_of(model, images) as engines:
        expected = _top5(_all_logits(engines["torch eager"], images))
        same = {name: _same(expected, _top5(_all_logits(engine, images))) for name, engine in engines.items()}
        speeds: dict[str, list[float]] = {name: [] for name in engines}
        for _ in range(rounds):
            for name, engine in engines.items():  # interleaved, so that a noisy minute affects all engines
                speeds[name].append(_speed(engine, images[:BATCH], seconds))
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    base = medians["torch eager"]
    return [
        Row(
            network=network,
            engine=name,
            images_per_second=medians[name],
            spread=(max(values) - min(values)) / 2 / medians[name],
            top5_same=same[name],
            gain_percent=(medians[name] / base - 1) * 100,
        )
        for name, values in speeds.items()
    ]


@contextmanager
def engines_of(model: LoadedModel, images: Images) -> Iterator[dict[str, Engine]]:
    module = convert.FromPixels(model).eval()
    traced = convert.trace(model)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        convert.save_openvino(traced, model, folder)
        convert.save_torch(traced, folder)
        quantize.quantize(folder / "model.xml", images[::2], folder / "int8.xml")

        def compiled(name: str, precision: str) -> Engine:
            return openvino.load_file(folder / name, EngineOptions(cores(), precision=precision))

        yield {
            "torch eager": _torch(module),
            "torch scripted, frozen": torchscript.load_file(folder / "model.pt", EngineOptions(cores())),
            "torch.compile": _torch(torch.compile(module)),
            "OpenVINO f32": compiled("model.xml", "f32"),
            "OpenVINO bf16": compiled("model.xml", "bf16"),
            "OpenVINO int8": compiled("int8.xml", ""),
        }


def _torch(module: Callable[[torch.Tensor], torch.Tensor]) -> Engine:
    def run(images: Images) -> NDArray[np.float32]:
        with torch.inference_mode():
            return module(torch.from_numpy(images)).numpy()

    return run


def _all_logits(engine: Engine, images: Images) -> NDArray[np.float32]:
    whole = len(images) // BATCH * BATCH  # torch.compile compiles for each shape
    return np.concatenate([engine(images[start : start + BATCH]) for start in range(0, whole, BATCH)])


def _top5(logits: NDArray[np.float32]) -> list[set[int]]:
    return [set(row[:5].tolist()) for row in np.argsort(-logits, axis=1)]


def _same(expected: list[set[int]], found: list[set[int]]) -> float:
    return sum(a == b for a, b in zip(expected, found, strict=True)) / len(expected)


def _speed(engine: Engine, batch: Images, seconds: float) -> float:
    for _ in range(3):
        engine(batch)
    count, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds:
        engine(batch)
        count += len(batch)
    return count / elapsed


if __name__ == "__main__":
    main()
