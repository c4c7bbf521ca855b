"""What the workers and the process above them tell each other about a model that is being made, in files.

A worker places an order; `builds.py` carries it out and writes down how far it is. There is one order at a time.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Conflict, TeachingBusy

WAITING, BUILDING, LOADING, DONE, FAILED = "waiting", "building", "loading", "done", "failed"
UNFINISHED = (WAITING, BUILDING, LOADING)
LOCK = "lock"
_STATE = ".state.json"
_LOOK = 0.1


@dataclass(frozen=True)
class Order:
    name: str
    parent: str
    """The folder of the bundle that it is taught from."""
    estimate: bool
    """Whether it is only to be said how good the model would be."""


class Orders:
    def __init__(self, folder: Path) -> None:
        self.photos = folder / "photos"
        """Of the order that is there: a copy, which stays as it is."""
        self._order = folder / "order.json"
        self._stop = folder / "stop"
        self._reload = folder / "reload"
        self._folder = folder

    def place(self, order: Order) -> None:
        """Raises an error while another order is there. Call it with the album's lock held."""
        self.refuse_another(order.name)
        self._stop.unlink(missing_ok=True)
        self.note(order.name, {"state": WAITING, "estimate": order.estimate})
        _write(self._order, vars(order))

    def refuse_another(self, name: str) -> None:
        there = self.current()
        if there and there.name == name:
            raise Conflict(f"{name} is being made already: GET /teach/{name} says how far it is")
        if there:
            raise TeachingBusy("another model is being taught, one at a time: try again in a moment")

    def current(self) -> Order | None:
        found = _read(self._order)
        return Order(**found) if found else None

    def stop(self, name: str, patience: float) -> None:
        """Has the order of this model stopped, and waits until it is."""
        end = time.monotonic() + patience
        while (there := self.current()) and there.name == name and time.monotonic() < end:
            self._stop.write_text(name)
            time.sleep(_LOOK)

    def stopped(self, order: Order) -> bool:
        with suppress(OSError):
            return self._stop.read_text() == order.name
        return False

    def finish(self) -> None:
        for path in (self._order, self._stop):
            path.unlink(missing_ok=True)

    def ask_for_reload(self) -> None:
        self._reload.touch()

    def reload_is_asked_for(self) -> bool:
        """Says so once."""
        try:
            self._reload.unlink()
        except FileNotFoundError:
            return False
        return True

    def note(self, name: str, changes: Mapping[str, Any]) -> None:
        """Notes how far a model is. The reports of its last estimate and of its last build stay."""
        kept = {key: value for key, value in self.known(name).items() if key in ("report", "last_estimate", "version")}
        _write(self._state(name), {**kept, **changes})

    def known(self, name: str) -> dict[str, Any]:
        return _read(self._state(name)) or {}

    def forget(self, name: str) -> bool:
        try:
            self._state(name).unlink()
        except FileNotFoundError:
            return False
        return True

    def names(self) -> list[str]:
        return sorted(path.name.removesuffix(_STATE) for path in self._folder.glob(f"*{_STATE}"))

    def clear(self) -> None:
        """After a start: what the last service did not finish is not finished any more."""
        for name in self.names():
            if self.known(name).get("state") in UNFINISHED:
                self.note(name, {"state": FAILED, "error": "the service was stopped: start it again"})
        for path in self._folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != LOCK and not path.name.endswith(_STATE):
                path.unlink()

    def _state(self, name: str) -> Path:
        return self._folder / f"{name}{_STATE}"


def last_line(text: str) -> str:
    """The last line of what a program has said, without the marks that move a terminal's cursor."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    return "".join(filter(str.isprintable, lines[-1]))[:300] if lines else ""


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):  # it is missing, or was damaged when the machine went down
        return None
    return found if isinstance(found, dict) else None


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """In one step, since others read it at any time."""
    number, scratch = tempfile.mkstemp(dir=path.parent)
    with open(number, "w", encoding="utf-8") as file:
        json.dump(dict(content), file)
    Path(scratch).replace(path)
