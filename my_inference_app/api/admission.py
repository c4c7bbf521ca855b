"""What happens to a request that finds the waiting room full: it is refused before it is read."""

from __future__ import annotations

import threading

from flask import request

from ..errors import Overloaded

PROBES = ("/healthz", "/readyz", "/metrics")
EXPRESS_LANE = "express"
"""Threads whose names begin like this answer probes, and refuse the rest; worker.py sends requests to them."""


def refuse_on_express_lane() -> None:
    if threading.current_thread().name.startswith(EXPRESS_LANE) and request.path not in PROBES:
        raise Overloaded("too many requests are waiting already: try again in a moment")
