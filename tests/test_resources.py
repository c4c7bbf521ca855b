from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from my_inference_app import resources

HAS_AFFINITY = hasattr(os, "sched_setaffinity")
ALLOWED = len(os.sched_getaffinity(0)) if HAS_AFFINITY else os.cpu_count() or 1


@pytest.mark.parametrize(
    ("content", "quota"),
    [
        ("max 100000\n", None),
        ("100000 100000\n", 1),
        ("50000 100000\n", 1),
        ("1000 100000\n", 1),
        ("250000 100000\n", 2),
        ("6400000 100000\n", 64),
        ("", None),
        ("nonsense", None),
    ],
)
def test_the_quota_of_a_container_limits_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, quota: int | None
) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(content)
    monkeypatch.setattr(resources, "_CGROUP_QUOTA", file)
    assert resources.cores() == min(ALLOWED, quota or ALLOWED)


def test_without_cgroups_all_cores_allowed_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_CGROUP_QUOTA", tmp_path / "none")
    assert resources.cores() == ALLOWED


@pytest.mark.skipif(not HAS_AFFINITY, reason="this system has no affinity")
def test_the_affinity_of_the_process_counts() -> None:
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from my_inference_app.resources import cores; print(cores())"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "1\n"
