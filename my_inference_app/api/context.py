"""Everything that a request handler may ask of the app. Only this module reads `current_app.extensions`."""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import current_app, request

from ..fetching.fetcher import Fetcher
from ..inference.classifier import Classifier
from ..settings import Settings
from ..watchdog import InFlight
from .guard import arrival


def settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def classifier() -> Classifier:
    found: Classifier = current_app.extensions["classifier"]
    return found


def fetcher() -> Fetcher:
    found: Fetcher = current_app.extensions["fetcher"]
    return found


def in_flight() -> InFlight:
    found: InFlight = current_app.extensions["in_flight"]
    return found


def api_keys() -> tuple[bytes, ...]:
    found: tuple[bytes, ...] = current_app.extensions["api_keys"]
    return found


def deadline() -> float:
    """When the current request is given up, on the clock of time.monotonic()."""
    patience = settings().request_timeout
    return time.monotonic() + patience - arrival.seconds_on_the_way(request, patience)


def abandoned() -> Callable[[], bool]:
    """A function that says whether the client of the current request has disconnected."""
    return arrival.abandoned(request)
