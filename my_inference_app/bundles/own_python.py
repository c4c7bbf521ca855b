"""A model in the operator's own Python: a folder with pipeline.py, and a short bundle.json written by hand."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from ..errors import BundleError
from . import manifest

FILE = "pipeline.py"
PRECISION = "own"
REMEDY = f"correct its {FILE} or its bundle.json"
_EXAMPLE = '{"labels": ["cat", "dog"], "input": {"size": [224, 224]}}'
_KEYS = ("labels", "input", "name", "license")
_INPUT_KEYS = ("size", "shortest_edge", "interpolation")


def is_there(folder: Path) -> bool:
    return (folder / FILE).is_file()


def read(folder: Path) -> dict[str, Any]:
    """The content of the short bundle.json, completed to that of an exported bundle."""
    place = folder / "bundle.json"
    try:
        data = json.loads(place.read_bytes())
    except FileNotFoundError:
        raise BundleError(f"{folder} has a {FILE} and no bundle.json: write one like {_EXAMPLE}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"{place} is not JSON ({error}): write it like {_EXAMPLE}") from None
    try:
        completed = _completed(folder, data)
        manifest.check(completed)
    except (KeyError, TypeError, ValueError, OSError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise BundleError(f"{place} cannot be used: {reason}; write it like {_EXAMPLE}") from None
    return completed


def _completed(folder: Path, data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise TypeError("it is not an object")
    if "format" in data:  # a bundle that was exported, perhaps by somebody else, must not start code
        raise ValueError(f"it is that of an exported bundle, and a {FILE} lies beside it")
    _refuse_unknown(data, _KEYS, "a key")
    spec = data["input"]
    if not isinstance(spec, dict):
        raise TypeError("input is not an object")
    _refuse_unknown(spec, _INPUT_KEYS, "a key of input")
    return {
        "name": _name(folder),
        "license": None,
        **data,
        # The pipeline gets the bytes of the pixels as they are.
        "input": {"shortest_edge": None, "interpolation": "bilinear", **spec, "mean": [0.0] * 3, "std": [1.0] * 3},
        "source": {"kind": "python", "file": FILE},
        "precision": PRECISION,
        "files": {FILE: hashlib.sha256((folder / FILE).read_bytes()).hexdigest()},
    }


def _refuse_unknown(data: dict[str, Any], known: tuple[str, ...], kind: str) -> None:
    for key in data:
        if key not in known:
            raise ValueError(f"{key!r:.50} is not {kind}, which are {', '.join(known)}")


def _name(folder: Path) -> str:
    """The folder's name, or its parent's if the folder is that of a version."""
    place = folder.absolute()
    return place.parent.name if place.name.isdigit() else place.name
