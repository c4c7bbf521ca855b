"""Where a running service leaves its process id, so that `make reload` finds it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import SetupError


def _path(port: int) -> Path:
    return Path(tempfile.gettempdir()) / f"my_inference_app-{os.getuid()}-{port}.pid"


@contextmanager
def written(port: int) -> Iterator[None]:
    """The file is there for as long as the block runs. Without it the service works all the same."""
    path = _path(port)
    with suppress(OSError):
        path.unlink(missing_ok=True)
        # "x" follows no link that somebody else left there.
        with path.open("x") as file:
            file.write(str(os.getpid()))
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()


def read(port: int) -> int:
    """The process that serves on this port."""
    path = _path(port)
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW)) as file:
            if os.fstat(file.fileno()).st_uid == os.getuid():
                pid = int(file.read())
                os.kill(pid, 0)
                return pid
    except (OSError, ValueError):
        pass
    raise SetupError(f"no service of yours runs on port {port}: start one with `make run PORT={port}`")
