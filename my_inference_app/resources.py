"""What this process may use of the machine it runs on."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")
# Numbers of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE = 4 << 20


def cores() -> int:
    """Cores this process may use: its affinity, cut by a container's CPU quota."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS has no affinity
        allowed = os.cpu_count() or 1
    return max(1, min(allowed, _quota() or allowed))


def give_large_memory_back() -> None:
    """For this process and those it forks: what a large picture took goes back to the system when it is freed.

    Left alone, glibc comes to keep blocks of up to 32 MB for every thread: hundreds of MB for nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:  # neither macOS nor musl has it, or needs it
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_TRIM_THRESHOLD, 2 * _LARGE)
        mallopt(_M_ARENA_MAX, 2 * cores())


def _quota() -> int | None:
    try:
        quota, period = _CGROUP_QUOTA.read_text().split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):  # no cgroup v2, or "max"
        return None
