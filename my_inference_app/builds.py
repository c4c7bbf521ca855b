"""Makes the models that clients teach: a thread of gunicorn's master runs `teach`, one model at a time.

The master outlives the workers, so a reload disturbs nothing, and the program ends with the service.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from . import shared_folder
from .errors import ServiceError
from .processes import ended_with_starter
from .resources import cores
from .settings import Settings
from .teaching import orders
from .teaching.album import Album
from .teaching.orders import Order, Orders, last_line

_log = logging.getLogger(__name__)
_LOOK = 0.2
"""Seconds between looks at the orders, and at the program that runs."""
_TIDY = 10.0
_FORGET_AFTER = 1800.0
"""Seconds that photos wait for their model where no TEACH_STORE keeps them."""
_NICE = "19"
_ERROR = "error: "
_UNFORESEEN = "something went wrong here: the log of the service says what"
_NOT_PASSED = ("SERVER_MODELS", "SERVER_MODELS_FILE", shared_folder.VARIABLE)
"""The model is in BUNDLE, and what the program does counts in no metric."""

GoLive = Callable[[], str]
"""Has all workers load the bundles as they are now. Returns why not, or nothing."""


def start(settings: Settings, go_live: GoLive) -> None:
    """Carries out orders, on a thread that does not keep the process alive."""
    if settings.teach:
        Thread(target=Builder(settings, go_live).run, name="teaching", daemon=True).start()


class Builder:
    def __init__(self, settings: Settings, go_live: GoLive) -> None:
        self._settings = settings
        self._go_live = go_live
        self._album = Album(settings)
        self._orders = Orders(self._album.own)
        self._running: subprocess.Popen[bytes] | None = None
        self._tidied = 0.0
        self._process = os.getpid()
        atexit.register(self._end)

    def run(self) -> None:
        with self._album.locked():
            self._orders.clear()
        while True:
            try:
                self.look()
            except Exception:  # a full disk, for example: the next order may work
                _log.exception("a model could not be taught")
            time.sleep(_LOOK)

    def look(self) -> None:
        if self._orders.reload_is_asked_for() and (reason := self._go_live()):
            _log.error("a taught model was deleted, and the workers go on with what they have: %s", reason)
        if order := self._orders.current():
            try:
                self._carry_out(order)
            except Exception:
                self._note(order, orders.FAILED, error=_UNFORESEEN)
                raise
            finally:
                shutil.rmtree(self._orders.photos, ignore_errors=True)
                self._orders.finish()
        if not self._settings.teach_store and time.monotonic() > self._tidied + _TIDY:
            self._tidied = time.monotonic()
            self._album.forget_unchanged(_FORGET_AFTER)

    def _carry_out(self, order: Order) -> None:
        try:
            found = self._teach(order)
            if order.estimate:
                self._note(order, orders.DONE, last_estimate=found, error=None)
                return
            self._note(order, orders.LOADING, report=found)
            if reason := self._go_live():
                raise ServiceError(f"it was made, and cannot be served: {last_line(reason)}")
            self._note(order, orders.DONE, report=found, version=found.get("version"), last_estimate=None)
            _log.info("the model %s was taught and is served", order.name)
        except (ServiceError, OSError) as error:
            _log.error("the model %s was not taught: %s", order.name, error)
            self._note(order, orders.FAILED, error=str(error))
            if self._orders.stopped(order):
                self._orders.forget(order.name)
        else:
            if not self._settings.teach_store:
                self._album.forget(order.name, self._orders.photos)

    def _note(self, order: Order, state: str, **more: Any) -> None:
        if not self._orders.stopped(order):
            self._orders.note(order.name, {"state": state, "estimate": order.estimate, **more})

    def _teach(self, order: Order) -> dict[str, Any]:
        """The report of the program. Its exit code is not asked for: gunicorn collects those of all children."""
        with TemporaryDirectory(dir=self._album.own) as scratch:
            out, words = Path(scratch, "out"), Path(scratch, "words")
            with out.open("wb") as stdout, words.open("wb") as stderr:
                self._running = subprocess.Popen(
                    self._command(order), env=self._environment(order), stdout=stdout, stderr=stderr
                )
            try:
                self._wait(order, words)
            finally:
                self._end()
            with suppress(ValueError):
                report: dict[str, Any] = json.loads(out.read_bytes())
                return {key: value for key, value in report.items() if key != "bundle"}  # a path of this machine
            raise ServiceError(_reason(words.read_text("utf-8", "replace")))

    def _wait(self, order: Order, words: Path) -> None:
        end, said = time.monotonic() + self._settings.teach_timeout, None
        while self._running and self._running.poll() is None:
            if self._orders.stopped(order):
                raise ServiceError("it was stopped")
            if time.monotonic() > end:
                raise ServiceError(
                    f"it took more than {self._settings.teach_timeout:g} s: send fewer photos, or raise TEACH_TIMEOUT"
                )
            if (line := last_line(words.read_text("utf-8", "replace"))) != said:
                said = line
                self._note(order, orders.BUILDING, progress=line)
            time.sleep(_LOOK)

    def _command(self, order: Order) -> list[str]:
        program = [sys.executable, "-m", "my_inference_app.teach", str(self._orders.photos), "--name", order.name]
        if nice := shutil.which("nice"):  # the requests come first
            program = [nice, "-n", _NICE, *program]
        return ended_with_starter([*program, "--json", *(["--estimate"] if order.estimate else [])], signal.SIGKILL)

    def _environment(self, order: Order) -> Mapping[str, str]:
        threads = str(max(1, cores() // 2))
        given = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED}
        libraries = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        return {**given, "BUNDLE": order.parent, "COMPUTE_THREADS": threads, **dict.fromkeys(libraries, threads)}

    def _end(self) -> None:
        """By its id, and only by the process that has started it: workers are forked, and exit this way as well."""
        if self._running and os.getpid() == self._process:
            self._running.kill()
            self._running.wait()
            self._running = None


def _reason(words: str) -> str:
    """Only what the program says to people. A traceback is for the log."""
    line = last_line(words)
    if line.startswith(_ERROR):
        return line.removeprefix(_ERROR)
    _log.error("the program that teaches failed:\n%s", words)
    return _UNFORESEEN
