"""Images that hanging_app.py is slow with, or hangs on."""

from __future__ import annotations

from tests.images import plain_image

HANGING_WIDTH = 61

FINE = plain_image("green")
SLOW = plain_image("blue")
HANGS_IN_ENGINE = plain_image("red")
HANGS_IN_DECODER = plain_image("green", (HANGING_WIDTH, 44))
