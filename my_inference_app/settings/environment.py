"""Where settings come from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def environment() -> Mapping[str, str]:
    return os.environ
