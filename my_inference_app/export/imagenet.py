"""The thousand classes of ImageNet: WordNet ids, and labels as in the configurations on the hub."""

from __future__ import annotations

import json
from pathlib import Path

_CLASSES: list[tuple[str, str]] = [
    (wnid, label) for wnid, label in json.loads(Path(__file__).with_name("imagenet-1k.json").read_text("utf-8"))
]

WORDNET_IDS = tuple(wnid for wnid, _ in _CLASSES)
LABELS = tuple(label for _, label in _CLASSES)
