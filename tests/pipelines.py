"""Folders with pipelines in Python, as an operator writes them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from tests.images import REPOSITORY

SHORT = {"labels": ["red", "green", "blue"], "input": {"size": [32, 32]}}

MEAN_COLOUR = "return images.mean((1, 2)).astype('float32') / 32"


def pipeline(folder: Path, body: str = MEAN_COLOUR, *, before: str = "", **manifest: Any) -> Path:
    """A pipeline whose `__call__` has this body. `before` stands above its class."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bundle.json").write_text(json.dumps(SHORT | manifest))
    code = "class Pipeline:\n    def __init__(self, settings):\n        self.settings = settings\n\n"
    code += f"    def __call__(self, images):\n{indent(dedent(body).strip(), ' ' * 8)}\n"
    (folder / "pipeline.py").write_text(f"{dedent(before)}\n{code}")
    return folder


def block(language: str, number: int = 0) -> str:
    """A block of docs/own-python.md."""
    document = (REPOSITORY / "docs" / "own-python.md").read_text("utf-8")
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)\n```$", document, re.MULTILINE | re.DOTALL)
    return blocks[number]


def example(folder: Path) -> Path:
    """The pipeline of the document."""
    folder.mkdir()
    (folder / "bundle.json").write_text(block("json"))
    (folder / "pipeline.py").write_text(block("python"))
    return folder


def models_of_example() -> list[dict[str, Any]]:
    """What the command of the document serves."""
    (served,) = re.findall(r"SERVER_MODELS='(.*)'", block("sh"))
    return list(json.loads(served))
