"""The benchmark measures two rows for one second each. Speeds are not checked."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.__main__ import make_rows
from benchmarks.load import Measured
from benchmarks.prepare import Prepared
from benchmarks.report import Results
from tests.benchmarks.running import printed
from tests.live.service import REPOSITORY


def measured(connections: int, speed: float) -> Measured:
    return Measured(connections, speed, 1.0, 2.0, 0, 0, 3.0, 100.0)


def test_short_run_measures_its_rows(tmp_path: Path, efficientnet: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / efficientnet.name).symlink_to(efficientnet)
    options = ["--rounds", "1", "--seconds", "1", "--connections", "4", "--folder", str(tmp_path / "work")]
    text = printed("benchmarks", "--rows", "limit-small", "service-small", *options, "--out", str(tmp_path))
    found = json.loads((tmp_path / "bench.json").read_text())
    assert set(found["rows"]) == {"limit-small", "service-small"}
    for row in found["rows"].values():
        assert row["problem"] is None
        load = row["loads"][0]
        assert load["images_per_second"] > 0
        assert load["failed"] == load["refused"] == 0
        assert load["peak_mb"] > 0
    assert "this service (small) / its in-process limit" in text
    assert ET.parse(tmp_path / "bench.svg").getroot().tag.endswith("svg")  # noqa: S314


def test_unknown_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="error: no row is called 'nothing': there are limit-bf16,"):
        make_rows(Prepared(tmp_path, tmp_path / "image.jpg"), ["nothing"])


def test_ratios_compare_medians() -> None:
    results = Results(
        {"processor": "p", "cores": 2, "date": "d"}, {"limit-bf16": "limit", "service-bf16": "THIS", "x": "X"}
    )
    for row, speeds in {"limit-bf16": [100, 90, 110], "service-bf16": [95, 500, 20], "x": [19, 18, 20]}.items():
        results.ready[row] = [1.0]
        for speed in speeds:
            results.add(row, measured(16, speed))
    assert report.ratios(results) == [
        "  0.95  this service (bf16) / its in-process limit, 16 connections",
        "  5.00  this service (bf16) / the best other, X, 16 connections",
    ]


def test_row_with_a_wrong_answer_is_left_out() -> None:
    results = Results({"processor": "p", "cores": 2, "date": "d"}, {"service-bf16": "THIS", "x": "X"})
    results.ready["service-bf16"] = [1.0]
    results.add("service-bf16", measured(16, 1.0))
    results.problems["x"] = "not 'cat' but dog"
    assert report.ratios(results) == []
    assert any(
        line.startswith("X ") and "left out: not 'cat' but dog" in line for line in report.text(results).splitlines()
    )


def test_published_results_name_their_machine() -> None:
    found = json.loads((REPOSITORY / "benchmarks" / "results" / "bench.json").read_text())
    assert {"processor", "cores", "date"} <= set(found["machine"])
