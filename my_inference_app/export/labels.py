"""Names of classes: from a file, which is a JSON list or has one name a line, or as they come with a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ..errors import SourceError
from .imagenet import LABELS


def read_labels(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SourceError(f"{path} is not UTF-8 text") from None
    if text.lstrip()[:1] in ("[", "{"):
        return _checked(_json_list(path, text), path, "entry")
    return _checked([line.strip() for line in text.rstrip().split("\n")], path, "line")


def _json_list(path: Path, text: str) -> list[object]:
    try:
        names = json.loads(text)
    except ValueError as error:
        raise SourceError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(names, list):
        raise SourceError(f"{path} holds a JSON object: give a list of names, in the order of the classes")
    return names


def _checked(names: Sequence[object], path: Path, unit: str) -> tuple[str, ...]:
    """The names, if each class has one of its own. The error tells the entry's number, counted from 1."""
    numbers: dict[str, int] = {}
    checked = []
    for number, name in enumerate(names, 1):
        where = f"{path}, {unit} {number}"
        if not isinstance(name, str):
            raise SourceError(f"{where}: {json.dumps(name)[:60]} is not a name: give a text for each class")
        label = name.strip()
        if not label:
            raise SourceError(f"{where} is empty: give a name for each class")
        if label in numbers and tuple(names) != LABELS:  # ImageNet itself has two classes called crane
            raise SourceError(f"{where}: {label!r} is the name of {unit} {numbers[label]} too: give each class its own")
        numbers[label] = number
        checked.append(label)
    return tuple(checked)


def labels_of(path: Path | None, classes: int, known: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The labels of a model: those of the user's file, else those that come with the model."""
    if path is None and classes != len(known):
        raise SourceError(f"the model has {classes} classes: name them with --labels FILE")
    names = read_labels(path) if path else known
    if len(names) != classes:
        raise SourceError(f"{path} names {len(names)} classes, the model has {classes}")
    return names
