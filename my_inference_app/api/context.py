"""Everything that a request handler may ask of the app. Only this module reads `current_app.extensions`."""

from __future__ import annotations

from flask import current_app, g

from ..fetching.fetcher import Fetcher
from ..inference.classifier import Classifier
from ..settings import Settings
from ..watchdog import InFlight


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


def deadline() -> float:
    """When the current request is given up, on the clock of time.monotonic()."""
    found: float = g.deadline
    return found
