"""The variables that settings are read from: those of the process, and those of a `.env` file in the checkout.

The file is read as `docker compose` reads it, except that nothing is expanded: a value that compose would expand is
refused, so that one file means the same to both.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from dotenv.parser import parse_stream

from ..errors import SettingError

PROJECT = Path(__file__).resolve().parents[2]
FILE = PROJECT / ".env"
_SINGLE_QUOTED = re.compile(r"[^=]*=\s*'")


def variables(names: Collection[str]) -> dict[str, str]:
    """The values of these variables, as far as they are set. The environment wins over the file."""
    return dict(_of_file(names)) | {name: os.environ[name] for name in names if name in os.environ}


def is_set(name: str) -> bool:
    return bool(variables([name]).get(name, "").strip())


def _of_file(names: Collection[str]) -> Iterator[tuple[str, str]]:
    try:
        with FILE.open(encoding="utf-8") as file:
            bindings = list(parse_stream(file))
    except FileNotFoundError:
        return
    except UnicodeDecodeError:
        raise SettingError(f"{FILE} is not UTF-8 text") from None
    except OSError as error:
        raise SettingError(f"{FILE} cannot be read: {error.strerror}") from None
    for binding in bindings:
        text = binding.original.string.lstrip()
        line = binding.original.line + binding.original.string.removesuffix(text).count("\n")
        if binding.error:
            raise SettingError(f"{FILE}, line {line}: this is not a line like NAME=value")
        if binding.key is None or binding.value is None or binding.key not in names:
            continue
        if "$" in binding.value and not _SINGLE_QUOTED.match(text):
            raise SettingError(f"{FILE}, line {line}: {binding.key} contains a $: put the value in single quotes")
        yield binding.key, binding.value
