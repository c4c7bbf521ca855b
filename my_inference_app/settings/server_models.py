"""SERVER_MODELS: which models are served, from JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass

from .parsing import text_of_file

_EXAMPLE = '[{"model": "resnet-50", "replicas": 2}, {"model": "efficientnet-lite0"}]'
_KEYS = ("model", "name", "replicas", "versions")
_MOST_REPLICAS = 64


@dataclass(frozen=True)
class Entry:
    """One model to be served."""

    model: str
    name: str = ""
    """What answers and addresses call it; empty means as the bundle does."""
    replicas: int = 1
    versions: tuple[tuple[str, float], ...] = ()
    """Versions with their weights; empty means the newest."""


def server_models(text: str) -> tuple[Entry, ...]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON ({error}): give a list like {_EXAMPLE}") from None
    if not isinstance(items, list) or not items:
        raise ValueError(f"give a list of models like {_EXAMPLE}")
    entries = tuple(_entry(item, number) for number, item in enumerate(items, 1))
    named: set[str] = set()
    for entry in entries:
        name = entry.name or entry.model
        if name in named:
            raise ValueError(f'{name} is named twice: give one of them a "name" of its own, or its "versions"')
        named.add(name)
    return entries


def server_models_of_file(path: str) -> tuple[Entry, ...]:
    return server_models(text_of_file(path))


def _entry(item: object, number: int) -> Entry:
    if not isinstance(item, dict):
        raise ValueError(f"entry {number} is not an object: give a list like {_EXAMPLE}")
    for key in item:
        if key not in _KEYS:
            raise ValueError(f"entry {number} has {key!r:.50}, which is none of {', '.join(_KEYS)}")
    model, name = item.get("model"), item.get("name", "")
    if not isinstance(model, str) or not model.strip():
        raise ValueError(f'entry {number} has no "model": give a list like {_EXAMPLE}')
    if not isinstance(name, str) or ("name" in item and not name.strip()):
        raise ValueError(f'"name" of entry {number} is not a name')
    return Entry(model, name, _replicas(item.get("replicas", 1), number), _versions(item.get("versions", {}), number))


def _replicas(value: object, number: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_REPLICAS:
        return value
    raise ValueError(f'"replicas" of entry {number} must be a whole number from 1 to {_MOST_REPLICAS}')


def _versions(value: object, number: int) -> tuple[tuple[str, float], ...]:
    """`"2"` and `2` pin one version, an object gives each version its weight."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        value = {str(value): 1}
    if isinstance(value, dict) and all(map(_is_weight, value.values())) and (not value or sum(value.values()) > 0):
        return tuple((str(version), float(weight)) for version, weight in value.items())
    raise ValueError(f'"versions" of entry {number} must be a version, or weights like {{"1": 95, "2": 5}}')


def _is_weight(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9
