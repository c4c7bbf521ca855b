"""python -m benchmarks.scaling: writes the tables of docs/scaling.md again, from benchmarks/results/scaling.json.

With --measure MODEL PRECISION, it measures that model first and puts it into the file; with --bounds, what bounds the
growth.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from my_inference_app.resources import cores
from my_inference_app.settings import PROJECT

from .. import document
from ..machine_facts import facts
from ..prepare import FOLDER, SMALL, prepare
from . import measure, tables

RESULTS = PROJECT / "benchmarks" / "results" / "scaling.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--measure", nargs=2, metavar=("MODEL", "PRECISION"))
    parser.add_argument("--bounds", action="store_true")
    parser.add_argument("--seconds", type=int, default=4, help="length of each load")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=PROJECT / FOLDER, help="for bundles")
    parser.add_argument("--file", type=Path, default=RESULTS, help="the measurements")
    parser.add_argument("--document", type=Path, default=document.SCALING)
    given = parser.parse_args()
    if cores() < 2:
        sys.exit("error: two cores are needed")
    found = json.loads(given.file.read_text()) if given.file.exists() else {"models": {}}
    if given.measure:
        model, precision = given.measure
        ready = prepare(given.folder).ready(model, precision)
        found["models"][f"{model.rpartition(':')[2]} {precision}"] = {
            **measure.sizes(ready),
            "layouts": measure.growth(ready, given.seconds, given.rounds),
        }
    if given.bounds:
        prepared = prepare(given.folder)
        ready = prepared.ready(SMALL, "auto")
        found["bounds"] = {**measure.bounds(prepared, SMALL), "cached": measure.from_cache(ready, given.seconds)}
    if given.measure or given.bounds:
        found["machine"] = facts()
        given.file.write_text(json.dumps(found, indent=1) + "\n")
    if not found["models"] or "bounds" not in found:
        sys.exit(f"error: {given.file} is not complete: measure with --measure and with --bounds")
    made = tables.all_of(found)
    print("\n\n".join(made.values()))
    document.write(made, given.document)


if __name__ == "__main__":
    main()
