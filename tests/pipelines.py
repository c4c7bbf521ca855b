"""Folders with pipelines in Python, as an operator writes them."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

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
