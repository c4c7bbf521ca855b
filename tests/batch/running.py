"""Runs of the batch command, in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from my_inference_app.batch.job import Job, run
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.settings import Settings
from tests.images import COLOURS, plain_image

Row = dict[str, Any]


def results(bundle: Bundle, source: Path, out: Path, **options: Any) -> dict[str, Row]:
    """The rows by path."""
    run(Job(source, out, **options), Settings(bundle=str(bundle.path)))
    return rows_of(out)


def rows_of(out: Path) -> dict[str, Row]:
    rows: list[Row] = pq.read_table(out).to_pylist()
    found = {row["path"]: row for row in rows}
    assert len(found) == len(rows), "a row is there twice"
    return found


def labels(rows: dict[str, Row]) -> dict[str, str]:
    """The label of each image, or the code of its error."""
    return {path: row["label"] or row["error"]["code"] for path, row in rows.items()}


def start(bundle: Bundle, *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "my_inference_app.batch", *map(str, arguments)],
        env={**os.environ, "BUNDLE": str(bundle.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def folder_of_images(folder: Path, count: int) -> Path:
    """Of all three colours, and one file in twenty that is not an image."""
    images = [plain_image(label) for label in COLOURS]
    for number in range(count):
        place = folder / str(number % 4)
        place.mkdir(parents=True, exist_ok=True)
        data = b"not an image" if number % 20 == 7 else images[number % 3]
        (place / f"{number}.png").write_bytes(data)
    return folder
