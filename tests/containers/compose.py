"""docker-compose.yml as Compose reads it, as far as this file needs it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.images import REPOSITORY

FILE = REPOSITORY / "docker-compose.yml"
FILES = sorted(REPOSITORY.glob("docker-compose*.yml"))
# ${NAME:-DEFAULT} takes the default for an empty value too, ${NAME-DEFAULT} only for a missing one.
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?::-(?P<default>[^}]*)|-(?P<default_if_missing>[^}]*))?\}")


def load(file: Path = FILE, variables: Mapping[str, str] = {}) -> dict[str, Any]:
    """The file with these variables, and no others."""
    loaded: dict[str, Any] = _interpolated(yaml.safe_load(file.read_bytes()), variables)
    return loaded


def service(name: str, variables: Mapping[str, str] = {}) -> dict[str, Any]:
    found: dict[str, Any] = load(variables=variables)["services"][name]
    return found


def merged(*files: Path, variables: Mapping[str, str] = {}) -> dict[str, Any]:
    """Several files as with `docker compose -f … -f …`: lists of the later ones come behind those of the first."""
    first, *others = (load(file, variables) for file in files)
    for name, service in ((name, service) for other in others for name, service in other["services"].items()):
        for key, value in service.items():
            before = first["services"][name].get(key)
            first["services"][name][key] = [*before, *value] if isinstance(before, list) else value
    return first


def fixed(service: Mapping[str, Any]) -> dict[str, str]:
    """The variables to which a service gives a value."""
    return dict(entry.split("=", 1) for entry in service.get("environment", []) if "=" in entry)


def passed_on(service: Mapping[str, Any]) -> list[str]:
    """The variables that a service passes on from the environment, if they are set there."""
    return [entry for entry in service.get("environment", []) if "=" not in entry]


def strings(value: object) -> Iterator[str]:
    """All strings in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def amount(text: str) -> int:
    """The bytes of a size like 512m."""
    return int(text[:-1]) * {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}[text[-1]]


def _interpolated(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _interpolated(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [_interpolated(item, variables) for item in value]
    if isinstance(value, str):
        text = VARIABLE.sub(lambda found: _value(found, variables), value)
        assert "$" not in text, f"cannot read {value}"
        return text
    return value


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    given = variables.get(found["name"])
    if given or (given is not None and found["default"] is None):
        return given
    return found["default"] or found["default_if_missing"] or ""
