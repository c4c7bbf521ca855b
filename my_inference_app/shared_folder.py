"""A folder in memory that all processes of one service share.

prometheus_client keeps the metrics of every worker in it, and workers leave marks for each other.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from . import own_folder

# The name is prometheus_client's: it looks there for the metrics of all workers.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# Metrics and heartbeats must not wait for a disk, nor find it full.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()  # noqa: S108
_NAME = "metrics"


def is_open() -> bool:
    return VARIABLE in os.environ


def path() -> Path:
    return Path(os.environ[VARIABLE])


def open_folder() -> None:
    """Makes the folder of this process and its children. It is removed when this process exits."""
    owner = os.getpid()
    if own_folder.owner_of(Path(os.environ.get(VARIABLE, "")), _NAME) == owner:
        return  # the configuration is read again on a reload
    folder = own_folder.make(_NAME, MEMORY)
    os.environ[VARIABLE] = str(folder)

    def remove() -> None:
        if os.getpid() == owner:  # workers are forked, and exit this way as well
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)


def mark(name: str) -> bool:
    """Leaves a mark. False if it was there already."""
    try:
        (path() / name).open("x").close()
    except FileExistsError:
        return False
    return True


def mark_ready(pid: int) -> None:
    """The worker with this id has loaded its models."""
    (path() / f"ready-{pid}").touch()


def is_ready(pid: int) -> bool:
    return (path() / f"ready-{pid}").exists()


def forget_ready(pid: int) -> None:
    (path() / f"ready-{pid}").unlink(missing_ok=True)


def is_marked(name: str) -> bool:
    return (path() / name).exists()
