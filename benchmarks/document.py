"""Puts computed tables into a document: each stands between two comments with its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from my_inference_app.settings import PROJECT

SCALING = PROJECT / "docs" / "scaling.md"


def write(tables: Mapping[str, str], file: Path = SCALING) -> None:
    file.write_text(filled(file.read_text("utf-8"), tables), "utf-8")


def filled(text: str, tables: Mapping[str, str]) -> str:
    for name, table in tables.items():
        found = re.search(rf"<!-- {re.escape(name)} -->\n(.*?)<!-- end -->", text, re.DOTALL)
        if not found:
            raise ValueError(f"there is no place for the table {name!r}")
        text = f"{text[: found.start(1)]}{table}\n{text[found.end(1) :]}"
    return text
