"""docs/scaling.md: its tables are what the measurements come to. Two nodes behind one nginx both serve."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from benchmarks.document import SCALING, filled
from benchmarks.ports import HOST, free_port
from benchmarks.rows import process
from benchmarks.scaling import tables
from benchmarks.scaling.nodes import Layout, deployed
from benchmarks.simulation import check
from tests.live.service import REPOSITORY, environment, until

RESULTS = REPOSITORY / "benchmarks" / "results"
TEXT = SCALING.read_text("utf-8")


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / name).read_text("utf-8"))
    return found


def test_tables_are_computed_from_the_measurements() -> None:
    simulated = read("simulation.json")
    made = {
        **tables.all_of(read("scaling.json")),
        "check": check.table(simulated["models"]),
        "day": simulated["day"],
    }
    assert filled(TEXT, made) == TEXT
    assert TEXT.count("<!-- end -->") == len(made)


def test_simulation_is_within_a_fifth_of_what_was_measured() -> None:
    for about in read("simulation.json")["models"].values():
        rows = map(check.from_data, about["rows"])
        assert max(abs(difference) for row in rows for difference in row.differences) <= check.ALLOWED


@pytest.mark.parametrize(
    ("rate", "speed", "expected"),
    [(10, 100, (1, 1)), (70, 100, (1, 1)), (71, 100, (2, 1)), (1400, 100, (20, 1)), (1401, 100, (21, 2))],
)
def test_nodes_are_rounded_up_and_one_in_twenty_is_a_spare(
    rate: float, speed: float, expected: tuple[int, int]
) -> None:
    assert tables.nodes(rate, speed) == expected


def test_table_without_a_place_is_an_error() -> None:
    with pytest.raises(ValueError, match="there is no place for the table 'x'"):
        filled("<!-- y -->\n<!-- end -->", {"x": "|"})


def test_nginx_starts_with_as_many_hosts_as_the_document_plans_for_it(tmp_path: Path) -> None:
    hosts = ",".join(f"127.1.{number // 100}.{number % 100 + 1}" for number in range(tables.GROUP))
    port = free_port()
    variables = environment(NGINX_PREFIX=tmp_path / "nginx", UPSTREAM=f"{hosts}:1", LISTEN=HOST, PORT=port)
    tmp_path.chmod(0o755)

    def answers() -> bool:
        assert nginx.poll() is None, (tmp_path / "log").read_text()
        with suppress(requests.ConnectionError):
            requests.get(f"http://{HOST}:{port}/static/style.css", timeout=30)
            return True
        return False

    start = [str(REPOSITORY / "nginx" / "start.sh")]
    with process(start, variables, tmp_path / "log", stdout=subprocess.DEVNULL) as nginx:
        until(answers)


def test_two_nodes_share_the_load(efficientnet: Path, tmp_path: Path) -> None:
    core = min(os.sched_getaffinity(0))
    image = REPOSITORY / "post_request" / "cat.jpg"
    with deployed(Layout(((core,), (core,))), {"BUNDLE": str(efficientnet)}, image, "cat", tmp_path) as deployment:
        workers = [app.children()[0] for app in deployment.apps]
        before = [worker.cpu_times().user for worker in workers]
        run = deployment.load(4, 2)
        assert run.images_per_second > 0
        assert run.failed == 0
        assert run.app_ms > 0 and run.app_mb > 0 and run.nginx_mb > 0
        assert all(worker.cpu_times().user > used for worker, used in zip(workers, before, strict=True))
