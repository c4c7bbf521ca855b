"""The command line and the result files that all benchmarks have in common."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from my_inference_app.settings import PROJECT

Machine = dict[str, object]


def parser(command: str, about: str | None, folder: str = "") -> argparse.ArgumentParser:
    """`folder`, below the checkout, is where the benchmark keeps bundles and logs, if it has any."""
    made = argparse.ArgumentParser(prog=command, description=about)
    if folder:
        made.add_argument("--folder", type=Path, default=PROJECT / folder, help="for bundles and logs")
    made.add_argument("--out", type=Path, default=PROJECT / "benchmarks" / "results", help="for the results")
    return made


def headline(machine: Machine) -> str:
    return f"{machine['processor']}, {machine['cores']} cores, {machine['date']}"


def save(folder: Path, name: str, text: str, data: dict[str, Any]) -> None:
    """Writes NAME.txt and NAME.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.txt").write_text(text + "\n")
    (folder / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")
