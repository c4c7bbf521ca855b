"""The cores and the memory of this process."""

from __future__ import annotations

import mmap
import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from my_inference_app import resources

HAS_AFFINITY = hasattr(os, "sched_setaffinity")
PHYSICAL = psutil.virtual_memory().total
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
def test_quota_of_a_container_limits_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, quota: int | None
) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(content)
    monkeypatch.setattr(resources, "_CGROUP_CPU", file)
    assert resources.cores() == min(ALLOWED, quota or ALLOWED)


def test_all_allowed_cores_are_used_without_cgroups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_CGROUP_CPU", tmp_path / "none")
    assert resources.cores() == ALLOWED


@pytest.mark.skipif(not HAS_AFFINITY, reason="this system has no affinity")
def test_affinity_limits_the_cores() -> None:
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from my_inference_app.resources import cores; print(cores())"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "1\n"


@pytest.mark.parametrize(
    ("content", "limit"), [("max\n", None), ("268435456\n", 1 << 28), ("", None), ("nonsense", None)]
)
def test_limit_of_a_container_limits_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, limit: int | None
) -> None:
    file = tmp_path / "memory.max"
    file.write_text(content)
    monkeypatch.setattr(resources, "_CGROUP_MEMORY", file)
    assert resources.memory() == (limit or PHYSICAL)


def test_memory_of_the_machine_counts_without_a_limit_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_CGROUP_MEMORY", tmp_path / "none")
    assert resources.memory() == PHYSICAL
    (tmp_path / "none").write_text(str(2 * PHYSICAL))
    assert resources.memory() == PHYSICAL


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="this system does not say what is mapped")
def test_mapped_files_of_a_folder_are_released_and_read_again(tmp_path: Path) -> None:
    content = os.urandom(1 << 20)
    released, other = tmp_path / "bundle" / "weights", tmp_path / "other"
    released.parent.mkdir()
    with ExitStack() as stack:
        mapped = []
        for path in (released, other):
            path.write_bytes(content)
            file = stack.enter_context(path.open("rb"))
            mapped.append(stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
            assert mapped[-1][:] == content
        resources.release_mapped_files(released.parent)
        assert (resident(released), resident(other)) == (0, len(content))
        assert mapped[0][:] == content


def resident(path: Path) -> int:
    """Bytes of a mapped file that are in the memory of this process."""
    _, _, behind = Path("/proc/self/smaps").read_text().partition(f" {path}\n")
    return int(re.findall(r"^Rss: +(\d+) kB$", behind, re.MULTILINE)[0]) * 1024
