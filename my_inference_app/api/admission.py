"""What happens to a request that finds the waiting room full: it is refused without being looked at."""

from __future__ import annotations

import threading

from ..errors import Overloaded

PROBES = ("/healthz", "/readyz", "/metrics")
REFUSAL_LANE = "refusal"
"""Threads whose names begin like this refuse all they get; worker.py sends requests to them."""


def refuse_on_refusal_lane() -> None:
    if threading.current_thread().name.startswith(REFUSAL_LANE):
        raise Overloaded("too many requests are waiting already: try again in a moment")
