"""What may stand in a bundle's bundle.json. A file may have been damaged, or written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_TEXT_OR_NOTHING = (str, type(None))
_KINDS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "source": dict,
    "labels": list,
    "input": dict,
    "precision": str,
    "license": _TEXT_OR_NOTHING,
    "agreement": dict,
    "files": dict,
    "created": dict,
}
_OPTIONAL = {"license", "agreement", "created"}


def check(data: dict[str, Any]) -> None:
    """Raises ValueError where a value cannot be what it stands for, KeyError where one is missing."""
    for key, kind in _KINDS.items():
        if key not in data and key in _OPTIONAL:
            continue
        if not isinstance(data[key], kind):
            raise ValueError(f"{key} is of another type than it should be")
    if not data["labels"] or not all(isinstance(label, str) for label in data["labels"]):
        raise ValueError("labels are not texts, or there are none")
    if any(Path(name).name != name for name in data["files"]):
        raise ValueError("a file outside the bundle")
    _check_input(data["input"])


def _check_input(spec: dict[str, Any]) -> None:
    size, edge = spec["size"], spec["shortest_edge"]
    if not (isinstance(size, list) and len(size) == 2 and all(map(_is_length, size))):
        raise ValueError("input.size is not a height and a width")
    if edge is not None and not _is_length(edge):
        raise ValueError("input.shortest_edge is not a length")
    if not isinstance(spec["interpolation"], str):
        raise ValueError("input.interpolation is not a name")


def _is_length(value: object) -> bool:
    return isinstance(value, int) and 1 <= value <= 10_000
