"""The page's files, at addresses that change with their content, so that browsers may keep them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

from flask import Blueprint, Response, abort, send_from_directory, url_for

FOLDER = Path(__file__).resolve().parents[1] / "static"
OTHER_PAGES = ("docs", "teach")
_YEAR = 31_536_000

blueprint = Blueprint("static_files", __name__)


@blueprint.get("/static/<string(length=12):version>/<filename>")
def file(version: str, filename: str) -> Response:
    """nginx serves these files by itself, and asks here for a version that it lacks."""
    if version != _current():
        abort(404)
    response = send_from_directory(FOLDER, filename, max_age=_YEAR)
    response.cache_control.public = True
    response.cache_control.immutable = True
    return response


def addresses() -> Callable[[str], str]:
    """Gives the address of each file. All files of a page are of one version, which is looked up once."""
    return partial(_address, _current())


def _address(version: str, filename: str) -> str:
    return url_for("static_files.file", version=version, filename=filename)


def names(ending: str, page: str = "") -> list[str]:
    """The files of a page. Those of other pages than the first begin with the page's name."""
    found = sorted(path.name for path in FOLDER.glob(f"{page}*{ending}"))
    return found if page else [name for name in found if not name.startswith(OTHER_PAGES)]


def _current() -> str:
    """Changes at once where somebody edits the files."""
    paths = sorted(FOLDER.glob("[!.]*"))
    return _version(tuple(paths), tuple(path.stat().st_mtime_ns for path in paths))


@lru_cache(maxsize=1)
def _version(paths: tuple[Path, ...], _changed: tuple[int, ...]) -> str:
    """nginx/start.sh computes the same: the hash of all files one after the other, in the order of their names."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]
