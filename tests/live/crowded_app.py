"""The app of hanging_app.py, in a worker that may gather next to nothing of its requests."""

from __future__ import annotations

from my_inference_app import worker
from tests.live.hanging_app import app

__all__ = ["app"]

worker._MOST_HELD = 1
