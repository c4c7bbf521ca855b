"""Replaces one folder by another, in one step where the system can."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

# Of Linux's fcntl.h and stdio.h; renameat2 is documented in the manual page rename(2).
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def put_in_place(new: Path, place: Path) -> None:
    """Renames `new` to `place`. The old folder, if there is one, goes to the folder in which `new` was."""
    if _exchange(new, place):
        return
    if not place.exists():
        new.rename(place)
        return
    # In two steps: on macOS, and on file systems that cannot exchange. A reader in between finds nothing.
    old = new.with_name("old")
    place.rename(old)
    try:
        new.rename(place)
    except OSError:
        old.rename(place)
        raise


def _exchange(first: Path, second: Path) -> bool:
    """Exchanges the names of two folders; False, with nothing changed, if this is not possible here."""
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 is None:
        return False
    done: int = renameat2(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE)
    return done == 0
