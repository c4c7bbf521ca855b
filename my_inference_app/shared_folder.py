"""A folder in memory that all processes of one service share.

prometheus_client keeps the metrics of every worker in it, and workers leave marks for each other.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

# The name is prometheus_client's: it looks there for the metrics of all workers.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# Metrics and heartbeats must not wait for a disk, nor find it full.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()  # noqa: S108
_OWNER = re.compile(r"metrics-(\d+)-")


def is_open() -> bool:
    return VARIABLE in os.environ


def open_folder() -> None:
    """Makes the folder of this process and its children. It is removed when this process exits."""
    owner = os.getpid()
    found = _OWNER.match(Path(os.environ.get(VARIABLE, "")).name)
    if found and int(found[1]) == owner:
        return  # the configuration is read again on a reload
    _remove_leftovers()
    folder = os.environ[VARIABLE] = tempfile.mkdtemp(prefix=f"metrics-{owner}-", dir=MEMORY)

    def remove() -> None:
        if os.getpid() == owner:  # workers are forked, and exit this way as well
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)


def _remove_leftovers() -> None:
    """Removes the folders of processes that were killed before they could do it."""
    for folder in Path(MEMORY).glob("metrics-*-*"):
        owner = _OWNER.match(folder.name)
        if owner and not _is_alive(int(owner[1])):
            shutil.rmtree(folder, ignore_errors=True)  # those of other users stay: they cannot be removed


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def mark(name: str) -> bool:
    """Leaves a mark. False if it was there already."""
    try:
        (Path(os.environ[VARIABLE]) / name).open("x").close()
    except FileExistsError:
        return False
    return True


def is_marked(name: str) -> bool:
    return (Path(os.environ[VARIABLE]) / name).exists()
