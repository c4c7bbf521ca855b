"""Temporary folders that carry the id of their process, so that one left by a killed process can be removed."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path


def make(name: str, place: str) -> Path:
    """A new folder of this process, after those of dead processes were removed."""
    for folder in Path(place).glob(f"{name}-*-*"):
        owner = owner_of(folder, name)
        if owner and not _is_alive(owner):
            shutil.rmtree(folder, ignore_errors=True)  # a folder of another user cannot be removed, and stays
    return Path(tempfile.mkdtemp(prefix=f"{name}-{os.getpid()}-", dir=place))


def owner_of(folder: Path, name: str) -> int:
    """The id of the process that made a folder; 0 if it was not made here."""
    found = re.match(rf"{name}-(\d+)-", folder.name)
    return int(found[1]) if found else 0


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it belongs to somebody else
        return True
    return True
