"""The rules for the content of bundle.json, which may be damaged or written by another program."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeGuard

HEAD = "head.npz"
"""The weights between the features and the logits."""
DOUBT = "doubt.npz"
"""What a calibrated bundle knows of its own errors."""

_OPTIONAL_TEXT = (str, type(None))
_TYPES: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "source": dict,
    "labels": list,
    "input": dict,
    "precision": str,
    "license": _OPTIONAL_TEXT,
    "agreement": dict,
    "files": dict,
    "created": dict,
    "features": (dict, type(None)),
    "taught": (dict, type(None)),
    "doubt": (dict, type(None)),
}
_OPTIONAL = {"license", "agreement", "created", "features", "taught", "doubt"}
_CHANNELS = 3
_MOST = 1e9


def check(data: dict[str, Any]) -> None:
    """Raises ValueError if a value is not usable, KeyError if one is missing."""
    for key, kind in _TYPES.items():
        if key not in data and key in _OPTIONAL:
            continue
        if not isinstance(data[key], kind):
            raise ValueError(f"{key} has the wrong type")
    check_labels(data["labels"])
    if any(Path(name).name != name for name in data["files"]):
        raise ValueError("a file lies outside the bundle")
    _check_input(data["input"])
    features = data.get("features")
    if features and not (_is_size(features["size"]) and _is_length(features["channels"])):
        raise ValueError("features are not a size and a number of channels")
    if features and HEAD not in data["files"]:
        raise ValueError(f"there are features without {HEAD}")
    if taught := data.get("taught"):
        _check_taught(taught)
    if doubt := data.get("doubt"):
        _check_doubt(doubt, data["files"])


def check_labels(labels: object, *, distinct: bool = False) -> None:
    """Raises ValueError, with a sentence that says why, if these cannot name the classes of a model.

    Published models have doubled labels: two of ImageNet's classes, a bird and a machine, are called "crane". Their
    class ids tell them apart, so a bundle may hold such labels. A file of labels that a user writes must not: a label
    that occurs twice there is a mistake, and easy to correct.
    """
    if not isinstance(labels, list | tuple) or not labels:
        raise ValueError("the labels are not a list of names")
    first: dict[str, int] = {}
    for index, label in enumerate(labels):
        if not isinstance(label, str):
            raise ValueError(f"the label of class {index} is not a text: {label!r:.50}")
        if not label.strip():
            raise ValueError(f"the label of class {index} is empty")
        if distinct and label in first:
            raise ValueError(f"classes {first[label]} and {index} have the same label: {label!r:.50}")
        first[label] = index


def _check_input(spec: dict[str, Any]) -> None:
    size, edge = spec["size"], spec["shortest_edge"]
    if not _is_size(size):
        raise ValueError("input.size is not a height and a width")
    if edge is not None and not _is_length(edge):
        raise ValueError("input.shortest_edge is not a length")
    if not isinstance(spec["interpolation"], str):
        raise ValueError("input.interpolation is not a name")
    if not _is_per_channel(spec["mean"]):
        raise ValueError("input.mean is not a number for each of three channels")
    if not _is_per_channel(spec["std"]) or min(spec["std"]) <= 0:
        raise ValueError("input.std is not a positive number for each of three channels")


def _check_taught(taught: dict[str, Any]) -> None:
    if not _is_whole(taught["photos"]):
        raise ValueError("taught.photos is not a number of photos")
    if not _is_number(taught["accuracy"]) or not 0 <= taught["accuracy"] <= 1:
        raise ValueError("taught.accuracy is not a share")


def _check_doubt(doubt: dict[str, Any], files: dict[str, Any]) -> None:
    if DOUBT not in files:
        raise ValueError(f"there is a calibration without {DOUBT}")
    if not _is_number(doubt["temperature"]) or doubt["temperature"] <= 0:
        raise ValueError("doubt.temperature is not a positive number")
    if not _is_number(doubt["coverage"]) or not 0 < doubt["coverage"] < 1:
        raise ValueError("doubt.coverage is not a share between 0 and 1")
    if not _is_whole(doubt["photos"]):
        raise ValueError("doubt.photos is not a number of photos")


def _is_size(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_length, value))


def _is_length(value: object) -> bool:
    return _is_whole(value) and value <= 10_000


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_per_channel(value: object) -> bool:
    return isinstance(value, list) and len(value) == _CHANNELS and all(map(_is_number, value))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST
