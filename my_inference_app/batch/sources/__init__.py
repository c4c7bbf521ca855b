"""The table of sources: what a source of images may be, and the module that reads it.

A new one is a module with a function `load`, and one line in `SUFFIXED`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...errors import SetupError
from ...settings import Settings
from ..item import Source
from . import folder, listing, parquet, tar

Load = Callable[[Path, Settings, str], Source]

FORMS = "a folder of images, a .txt or .csv with a path or URL on each line, a WebDataset .tar, or a .parquet"

SUFFIXED: dict[str, Load] = {
    ".txt": listing.load,
    ".csv": listing.load,
    ".tar": tar.load,
    ".parquet": parquet.load,
}


def find(path: Path, settings: Settings, column: str) -> Source:
    """`column` has the images in a Parquet file that could mean several."""
    if path.is_dir():
        return folder.load(path, settings, column)
    if not path.exists():
        raise SetupError(f"{path} does not exist: SOURCE is {FORMS}")
    load = SUFFIXED.get(path.suffix.lower())
    if load is None or not path.is_file():
        raise SetupError(f"{path} cannot be read as a source: SOURCE is {FORMS}")
    return load(path, settings, column)
