"""The make commands in the documents: their targets exist, and what they set is understood."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields

import pytest

from my_inference_app.settings import Settings
from my_inference_app.settings.setting import names_of
from tests.images import REPOSITORY

DOCUMENTS = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), REPOSITORY / "post_request" / "README.md"]
MAKEFILE = (REPOSITORY / "Makefile").read_text("utf-8")
SETTINGS = {name for item in fields(Settings) for name in names_of(item)}
OF_THE_MAKEFILE = set(re.findall(r"\$\((?:or \$\()?([A-Z]+)\b", MAKEFILE))
# A line of a block, or `code`, which may go on in the next line.
COMMAND = re.compile(r"^ *(make .*)$|`(make [^`]*)`", re.MULTILINE)
COMMANDS = sorted(
    {
        " ".join("".join(found).split())
        for path in DOCUMENTS
        for found in COMMAND.findall(path.read_text("utf-8"))
        if "=" in "".join(found) and "…" not in "".join(found)
    }
)


def words_of(command: str) -> tuple[str, dict[str, str]]:
    """The target and the variables."""
    _, target, *variables = shlex.split(command, comments=True)
    return target, dict(variable.split("=", 1) for variable in variables)


def test_commands_are_found() -> None:
    assert len(COMMANDS) > 15
    assert any("SERVER_MODELS" in command for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_make_command_of_a_document_is_understood(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target, variables = words_of(command)
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
    assert variables.keys() - SETTINGS - OF_THE_MAKEFILE == set()
    for name in variables.keys() & SETTINGS:
        monkeypatch.setenv(name, variables[name])
    Settings.from_env()
