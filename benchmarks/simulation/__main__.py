"""python -m benchmarks.simulation: simulates a day of a cluster, prints a summary, and draws docs/pictures/day.svg.

With --check, measures the real service on this machine, and compares the simulation of one pod with it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from my_inference_app.settings import PROJECT

from .. import document
from ..machine_facts import facts
from ..prepare import FOLDER, NETWORK, prepare
from . import check, day
from .pod import Costs

RESULTS = PROJECT / "benchmarks" / "results" / "simulation.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=__doc__)
    parser.add_argument("--check", action="store_true", help="measure the real service, and compare")
    parser.add_argument("--model", default=NETWORK)
    parser.add_argument("--precision", default="f32")
    parser.add_argument("--seconds", type=float, default=4, help="length of each load of --check")
    parser.add_argument("--rounds", type=int, default=3, help="of --check")
    parser.add_argument("--folder", type=Path, default=PROJECT / FOLDER, help="for bundles")
    parser.add_argument("--file", type=Path, default=RESULTS, help="the measurements")
    parser.add_argument("--document", type=Path, default=document.SCALING, help="gets the tables")
    parser.add_argument("--picture", type=Path, default=PROJECT / "docs" / "pictures" / "day.svg")
    parser.add_argument("--peak", type=float, default=day.PEAK, help="requests per second in the afternoon")
    parser.add_argument("--hours", type=float, default=24, help="how much of the day")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    name = f"{given.model.rpartition(':')[2]} {given.precision}"
    found = json.loads(given.file.read_text()) if given.file.exists() else {"models": {}}
    worst = _check(given, name, found["models"]) if given.check else _day(given, name, found)
    given.file.write_text(json.dumps(found, indent=1) + "\n")
    tables = {"check": check.table(found["models"]), **({"day": found["day"]} if "day" in found else {})}
    print(tables["check" if given.check else "day"])
    document.write(tables, given.document)
    if abs(worst) > check.ALLOWED:
        sys.exit(f"error: a simulated value differs by {worst:+.0%}, more than {check.ALLOWED:.0%}")


def _check(given: argparse.Namespace, name: str, models: dict[str, Any]) -> float:
    """The largest difference."""
    ready = prepare(given.folder).ready(given.model, given.precision)
    costs, rows = check.check(ready, given.seconds, given.rounds)
    models[name] = {"machine": facts(), **check.as_data(costs, rows)}
    return max((difference for row in rows for difference in row.differences), key=abs)


def _day(given: argparse.Namespace, name: str, found: dict[str, Any]) -> float:
    if name not in found["models"]:
        sys.exit(f"error: {given.file} has no costs of {name}: measure them with --check first")
    scenario = day.scenario(Costs(**found["models"][name]["costs"]), given.peak, given.hours)
    found["day"] = day.run(scenario, given.seed, given.picture)
    return 0.0


if __name__ == "__main__":
    main()
