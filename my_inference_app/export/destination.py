"""The folder that bundles are written to, checked before the slow work begins."""

from __future__ import annotations

import glob
import shutil
import tempfile
import time
from pathlib import Path

from ..bundles.store import has_versions
from ..errors import SetupError

_A_DAY = 24 * 60 * 60


def prepare(folder: Path) -> None:
    """Makes sure that a bundle can be written to this folder, and removes what killed exports of it left behind."""
    models = folder.parent
    for path in (models, folder):
        if path.exists() and not path.is_dir():
            raise SetupError(f"{path} is a file, not a folder: move it away, or set MODELS_DIR to another folder")
    try:
        models.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=models):
            pass
    except OSError as error:
        raise SetupError(
            f"{models} cannot be written to ({error.strerror}): set MODELS_DIR to another folder"
        ) from None
    if has_versions(folder):
        raise SetupError(
            f"{folder} has the versions of a model in it: move them away, or set MODELS_DIR to another folder"
        )
    _remove_leftovers(folder)


def _remove_leftovers(folder: Path) -> None:
    """Temporary folders that an export, killed at least a day ago, could not remove."""
    for path in folder.parent.glob(f".{glob.escape(folder.name)}-*"):
        if path.is_dir() and time.time() - path.stat().st_mtime > _A_DAY:
            shutil.rmtree(path, ignore_errors=True)


def check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SetupError(
            f"{folder} has {free / 1e6:.0f} MB of free space, the export needs about {needed / 1e6:.0f} MB: "
            "free some, or use another disk (MODELS_DIR for bundles, TMPDIR for temporary files)"
        )
