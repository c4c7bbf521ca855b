"""Everything that a request handler may ask of the app. Only this module reads `current_app.extensions`."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, current_app, g

from ..errors import ServiceError
from ..fetching.fetcher import Fetcher
from ..fetching.label_studio import LabelStudio
from ..inference.cache import Cache
from ..inference.registry import Registry
from ..review import Review
from ..settings import Settings
from ..teaching.album import Album
from ..teaching.orders import Orders
from ..tracing import Tracing
from ..watchdog import InFlight

Wording = Callable[[ServiceError], Response]
"""How a protocol words an error."""


def settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def registry() -> Registry:
    found: Registry = current_app.extensions["registry"]
    return found


def cache() -> Cache | None:
    found: Cache | None = current_app.extensions["cache"]
    return found


def review() -> Review | None:
    found: Review | None = current_app.extensions["review"]
    return found


def fetcher() -> Fetcher:
    found: Fetcher = current_app.extensions["fetcher"]
    return found


def label_studio() -> LabelStudio:
    found: LabelStudio = current_app.extensions["label_studio"]
    return found


def album() -> Album:
    found: Album = current_app.extensions["album"]
    return found


def orders() -> Orders:
    return Orders(album().own)


def in_flight() -> InFlight:
    found: InFlight = current_app.extensions["in_flight"]
    return found


def tracing() -> Tracing | None:
    """None where no collector is configured."""
    found: Tracing | None = current_app.extensions["tracing"]
    return found


def deadline() -> float:
    """When the current request is given up, on the clock of time.monotonic()."""
    found: float = g.deadline
    return found


def wording_of(path: str) -> Wording | None:
    """The wording of errors at this address, if a protocol has its own."""
    found: dict[str, Wording] = current_app.extensions["wordings"]
    return next((word for prefix, word in found.items() if path == prefix or path.startswith(f"{prefix}/")), None)
