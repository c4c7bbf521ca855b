"""Checks a photo exactly as an image that is classified, and says what kind of file it is."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from threading import Lock

from ..bundles.bundle import InputSpec
from ..errors import Overloaded
from ..inference.images.decode import decode, ending_of
from ..watchdog import InFlight

# One photo is decoded at a time in each worker, so that photos take little memory and time beside the predictions.
_one_at_a_time = Lock()


@dataclass(frozen=True)
class Photo:
    data: bytes
    id: str
    """Its SHA-256."""
    suffix: str


def checked(data: bytes, spec: InputSpec, max_pixels: int, deadline: float, in_flight: InFlight) -> Photo:
    if not _one_at_a_time.acquire(timeout=max(0.0, deadline - time.monotonic())):
        raise Overloaded("too many photos at once: try again in a moment")
    try:
        with in_flight.computing():
            decode(data, spec, max_pixels)
    finally:
        _one_at_a_time.release()
    return Photo(data, hashlib.sha256(data).hexdigest(), f".{ending_of(data)}")
