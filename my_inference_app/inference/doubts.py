"""The doubt of a bundle, if this version of the program can use it."""

from __future__ import annotations

import numpy as np

from ..bundles.bundle import Bundle, damaged
from ..bundles.doubt import Doubt, read_doubt
from ..bundles.manifest import DOUBT
from .images.statistics import statistics


def load_doubt(bundle: Bundle) -> Doubt | None:
    """None if the bundle is not calibrated."""
    found = read_doubt(bundle)
    if found is None:
        return None
    numbers = len(statistics(np.zeros((*bundle.input.size, 3), np.uint8)))
    if len(found.familiarity.mean) != numbers:
        raise damaged(bundle.path, f"{DOUBT} was made by another version of this program", "calibrate it again")
    return found
