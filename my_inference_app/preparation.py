"""Makes the bundles that are to be served, as far as they are missing, before the servers start."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from .bundles import bundle
from .bundles.store import bundle_dir, folder_of, has_versions, is_own_python, places, versions_in
from .errors import BundleError, SetupError
from .settings import Settings
from .settings.environment import is_set

FALLBACK = "efficientnet-lite0"


def prepare(settings: Settings, fall_back: bool) -> dict[str, str]:
    """Returns the variables that lead the servers to the bundles."""
    if settings.teach and find_spec("sklearn") is None:
        raise SetupError(
            "TEACH=1 needs scikit-learn: install it with `pip install -r requirements/teach.txt`, or use `make run`"
        )
    if settings.teach_store and not _is_writable(settings.teach_store):
        raise SetupError(f"TEACH_STORE={settings.teach_store} cannot be written to: give a folder of this user")
    if settings.entries:
        for entry in settings.entries:
            folder = folder_of(settings, entry.model)
            if not is_own_python(folder) and not _is_there(folder):
                _export(entry.model)
        for place in places(settings):
            bundle.read(place.folder)
        return {}
    folder = bundle_dir(settings)
    if settings.bundle or has_versions(folder) or is_own_python(folder):
        bundle.read(places(settings)[0].folder)
        return {"BUNDLE": str(folder)}
    return {"BUNDLE": _export(*(["--fallback", FALLBACK] if fall_back and not is_set("MODEL") else []))}


def _is_writable(folder: Path) -> bool:
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _is_there(folder: Path) -> bool:
    try:
        for version in versions_in(folder).values():
            bundle.read(version)
    except BundleError:
        return False
    return True


def _export(*arguments: str) -> str:
    """In a process of its own, since it takes heavy packages; returns the folder of the bundle."""
    command = [sys.executable, "-m", "my_inference_app.export", "--if-missing", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as exporting:
        try:
            folder, _ = exporting.communicate()
        except BaseException:  # the service is told to stop
            exporting.terminate()  # it removes its temporary folders
            raise
    if exporting.returncode:
        sys.exit(exporting.returncode)  # it has said why
    return folder.strip()
