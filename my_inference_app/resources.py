"""The cores and the memory that this process may use."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_CGROUP_CPU = Path("/sys/fs/cgroup/cpu.max")
_CGROUP_MEMORY = Path("/sys/fs/cgroup/memory.max")
_MAPS = Path("/proc/self/maps")
# Numbers of glibc's malloc.h and of Linux's mman.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MADV_DONTNEED = 4
_LARGE = 4 << 20


def cores() -> int:
    """The cores this process may use: its affinity, cut by a container's CPU quota."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS has no affinity
        allowed = os.cpu_count() or 1
    return max(1, min(allowed, _quota() or allowed))


def memory() -> int:
    """The bytes of memory this process may use: the machine's, cut by a container's limit."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(physical, int(_CGROUP_MEMORY.read_text()))
    except (OSError, ValueError):  # no cgroup v2, or "max"
        return physical


def give_large_memory_back() -> None:
    """Lets this process and its children return the memory of large images to the system when it is freed.

    By default, glibc ends up keeping blocks of up to 32 MB for every thread: hundreds of MB for nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:  # neither macOS nor musl has it, or needs it
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_TRIM_THRESHOLD, 2 * _LARGE)
        mallopt(_M_ARENA_MAX, cores())


def release_mapped_files(folder: Path) -> None:
    """Gives the memory of files in this folder back that are mapped. What is needed of them is read again.

    The caller keeps them mapped meanwhile. OpenVINO maps the weights, and then computes with copies in another layout.
    """
    madvise = getattr(ctypes.CDLL(None), "madvise", None)
    if not madvise or not _MAPS.exists():  # macOS
        return
    folder = folder.resolve()
    for line in _MAPS.read_text("utf-8", "surrogateescape").splitlines():
        addresses, rights, _, _, _, *path = line.split(maxsplit=5)
        if path and "w" not in rights and Path(path[0]).parent == folder:
            first, end = (int(address, 16) for address in addresses.split("-"))
            madvise(ctypes.c_void_p(first), ctypes.c_size_t(end - first), _MADV_DONTNEED)


def _quota() -> int | None:
    try:
        quota, period = _CGROUP_CPU.read_text().split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):  # no cgroup v2, or "max"
        return None
