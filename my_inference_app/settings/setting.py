"""How one setting is declared, and how its value is read from the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import Field, field
from typing import Any

from ..errors import SettingError


def setting(
    default: object, help: str, parse: Callable[[str], object] = str, *, alias: str = "", secret: bool = False
) -> Any:
    """A field of a settings class. `alias` is a second variable, `secret` keeps the value out of messages."""
    details = {"help": help, "parse": parse, "alias": alias, "secret": secret}
    return field(default=default, metadata=details, repr=not secret)


def names_of(item: Field[Any]) -> list[str]:
    """The variables of a setting; the first that has a value wins."""
    return [name for name in (item.name.upper(), item.metadata["alias"]) if name]


def read(item: Field[Any], env: Mapping[str, str]) -> object:
    """The value that these variables give the setting, or its default."""
    given = [(name, env[name].strip()) for name in names_of(item) if env.get(name, "").strip()]
    if not given:
        return item.default
    name, text = given[0]
    try:
        return item.metadata["parse"](text)
    except ValueError as error:
        shown = name if item.metadata["secret"] else f"{name}={text!r}"
        raise SettingError(f"{shown} cannot be used: {error}") from None
