"""Tries what a reload would load, and reloads by itself where the store is watched."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread

from . import local_ray, shared_folder
from .bundles import own_python
from .bundles.bundle import MANIFEST
from .bundles.store import bundle_dir, folder_of
from .errors import SetupError
from .settings import Settings

LOADED = "loaded"
"""What `check` prints in the end."""
_log = logging.getLogger(__name__)
_FOR_ALL_ELSE = 60.0
"""Seconds in addition to LOAD_TIMEOUT, which is for a pipeline."""
_WATCHED = (MANIFEST, f"[1-9]*/{MANIFEST}", own_python.FILE, f"[1-9]*/{own_python.FILE}")


def loads(settings: Settings, variables: Mapping[str, str], nice: int = 0) -> str:
    """Why a worker could not start with the bundles as they are now, or nothing. A process of its own tries it."""
    if settings.engine == "ray":
        try:
            local_ray.deploy(variables)
        except SetupError as error:
            return f"error: {error}"
    longest = settings.load_timeout + _FOR_ALL_ELSE
    command = [sys.executable, "-m", "my_inference_app.check"]
    if nice and (program := shutil.which("nice")):
        command = [program, "-n", str(nice), *command]
    with suppress(subprocess.TimeoutExpired):
        done = subprocess.run(command, env=_environment(variables), timeout=longest, capture_output=True, text=True)
        # Not by its exit code, which gunicorn's master may take away: it collects those of all its children.
        loaded = done.stdout.strip().endswith(LOADED)
        return "" if loaded else done.stderr.strip() or f"it ended with exit code {done.returncode}"
    return f"error: the models were not loaded within {longest:g} s"


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Without the folder that the workers share: what is only tried does not count in their metrics."""
    return {name: value for name, value in {**os.environ, **variables}.items() if name != shared_folder.VARIABLE}


def watch_store(settings: Settings, reload: Callable[[], None]) -> None:
    """Reloads when a bundle is new or replaced, on a thread that does not keep the process alive."""
    if settings.store_poll:
        Thread(target=_watch, args=(settings, reload), name="store", daemon=True).start()


def _watch(settings: Settings, reload: Callable[[], None]) -> None:
    known = _state(settings)
    while True:
        time.sleep(settings.store_poll)
        found = _state(settings)
        if found == known:
            continue
        known = found
        if reason := loads(settings, {}):
            _log.error("a bundle has changed and is not loaded, the workers go on with what they have: %s", reason)
        else:
            _log.info("a bundle has changed: reloading")
            reload()


def _state(settings: Settings) -> set[tuple[Path, int, int]]:
    """What there is of the models that are served: a bundle appears, or is replaced, in one step."""
    folders = [folder_of(settings, entry.model) for entry in settings.entries] or [bundle_dir(settings)]
    return {item for folder in folders for pattern in _WATCHED for item in _seen(folder, pattern)}


def _seen(folder: Path, pattern: str) -> set[tuple[Path, int, int]]:
    found = set()
    for path in folder.glob(pattern):
        with suppress(OSError):  # it has just been replaced
            state = path.stat()
            found.add((path, state.st_ino, state.st_mtime_ns))
    return found
