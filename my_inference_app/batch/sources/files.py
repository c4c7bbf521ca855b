"""Image files on this machine, which may be anything: missing, huge, a folder, a pipe that never ends."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..item import FileUnreadable, check_size


def read_file(path: Path, most: int) -> bytes:
    # A pipe would block until somebody writes to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise FileUnreadable("this is not a file")
        check_size(about.st_size, most)
        return file.read(about.st_size)  # not what it has grown by meanwhile


def identity_of(path: Path) -> str:
    """Of a file whose images are found by their place in it."""
    about = path.stat()
    return f"{path.resolve()} ({about.st_size} bytes, changed at {about.st_mtime_ns})"
