"""Reads the variables that the harness sets for every peer."""

import json
import os
from pathlib import Path

HOST = "127.0.0.1"


def port() -> int:
    return int(os.environ["PEER_PORT"])


def weights() -> Path:
    return Path(os.environ["PEER_WEIGHTS"])


def bundle() -> Path:
    return Path(os.environ["PEER_BUNDLE"])


def precision() -> str | None:
    """With None the engine chooses, as for an int8 model."""
    return os.environ.get("PEER_PRECISION") or None


def labels() -> list[str]:
    names: list[str] = json.loads(Path(os.environ["PEER_LABELS"]).read_text(encoding="utf-8"))
    return names
