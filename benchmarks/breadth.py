"""make bench-breadth: what a second model and other protocols cost, in one run.

All rows take turns, round by round, on services that keep running. Prints medians, as ratios to one model and /predict.
"""

from __future__ import annotations

import json
import statistics
import struct
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from . import output
from .load import Measured, measure
from .machine_facts import facts
from .prepare import FOLDER, NETWORK, SMALL, Prepared, Ready, prepare
from .rows import Started

_BASE = "one model, /predict"
_TYPE = "application/octet-stream"
_RAW = {
    "/predict": {"TYPE": "image/jpeg"},
    "/hf": {"TYPE": _TYPE},
    f"/predictions/{SMALL}": {"TYPE": _TYPE},
    f"/v2/models/{SMALL}/infer": {"TYPE": _TYPE, "HEADER": "Inference-Header-Content-Length: 0"},
}
_TRITON = f"one model, /v2/models/{SMALL}/infer, as tritonclient sends it"


def main() -> None:
    parser = output.parser("make bench-breadth", __doc__, FOLDER)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    prepared = prepare(given.folder)
    ready = prepared.ready(SMALL, "auto")
    with ExitStack() as stack:
        alone = stack.enter_context(ready.serve())
        beside = stack.enter_context(_two(prepared, ready).serve())
        rows = _rows(ready, alone, beside, given.seconds)
        found: dict[str, list[Measured]] = {name: [] for name in rows}
        for number in range(given.rounds):
            for name, load in rows.items():
                print(f"round {number + 1} of {given.rounds}: {name}", file=sys.stderr, flush=True)
                found[name].append(load())
    machine = facts()
    text = table(machine, found)
    output.save(
        given.out,
        "breadth",
        text,
        {"machine": machine, "rows": {name: [asdict(run) for run in runs] for name, runs in found.items()}},
    )
    print(text)


def _two(prepared: Prepared, ready: Ready) -> Ready:
    """The same model, and a ResNet-50 that gets no requests."""
    prepared.export(NETWORK)
    folders = [prepared.bundle(model, "auto").path.name for model in (SMALL, NETWORK)]
    models = json.dumps([{"model": folder} for folder in folders])
    settings = {"MODELS_DIR": str(prepared.folder.resolve()), "SERVER_MODELS": models, "BUNDLE": ""}
    return Ready(settings, ready.image, ready.label)


def _rows(ready: Ready, alone: Started, beside: Started, seconds: int) -> dict[str, Callable[[], Measured]]:
    def raw(path: str, variables: dict[str, str]) -> Callable[[], Measured]:
        url = alone.url.removesuffix("/predict") + path
        return lambda: measure(url, alone.process, 16, seconds, ready.image, **variables)

    body, header = _triton_request(ready.image)
    v2 = alone.url.removesuffix("/predict") + f"/v2/models/{SMALL}/infer"
    variables = {"TYPE": _TYPE, "HEADER": f"Inference-Header-Content-Length: {header}"}
    return {
        _BASE: lambda: alone.load(16, seconds),
        "two models, the other unused": lambda: beside.load(16, seconds),
        **{f"one model, {path}, image as the body": raw(path, variables) for path, variables in _RAW.items()},
        _TRITON: lambda: measure(v2, alone.process, 16, seconds, body, **variables),
    }


def _triton_request(image: Path) -> tuple[Path, int]:
    """A file with JSON and the image as a tensor of bytes, and the length of the JSON; asks for a binary answer."""
    content = image.read_bytes()
    tensor = struct.pack("<I", len(content)) + content
    request = {
        "inputs": [
            {"name": "image", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": len(tensor)}}
        ],
        "outputs": [{"name": "probabilities", "parameters": {"binary_data": True}}],
    }
    header = json.dumps(request).encode()
    file = image.with_name("triton-request")
    file.write_bytes(header + tensor)
    return file, len(header)


def table(machine: output.Machine, found: dict[str, list[Measured]]) -> str:
    base = found[_BASE]
    lines = [output.headline(machine), f"{SMALL}, 16 connections", ""]
    lines.append(f"{'':76} {'images/s':>9} {'ratio':>6} {'CPU s/1000':>11} {'ratio':>6} {'MB':>6} {'failed':>7}")
    for name, runs in found.items():
        speed, cpu = _median(runs, "images_per_second"), _median(runs, "cpu_seconds_per_1000")
        lines.append(
            f"{name:76} {speed:>9.1f} {speed / _median(base, 'images_per_second'):>6.2f} "
            f"{cpu:>11.2f} {cpu / _median(base, 'cpu_seconds_per_1000'):>6.2f} {_median(runs, 'peak_mb'):>6.0f} "
            f"{sum(run.failed + run.refused for run in runs):>7}"
        )
    return "\n".join(lines)


def _median(runs: list[Measured], name: str) -> float:
    return statistics.median(getattr(run, name) for run in runs)


if __name__ == "__main__":
    main()
