"""The report as one page: everything is in the file, thumbnails too."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image, ImageOps

from ..errors import SetupError
from ..inference.images.decode import FORMATS
from .photos import Photo

_SIDE = 160
_TEMPLATE = "report.html"


def write(place: Path, report: Mapping[str, Any], photos: Mapping[str, Photo]) -> None:
    """`photos` are found by their names in the report."""
    shown = {name for entry in report["suspicious"] for name in [entry["file"]]}
    shown |= {name for entry in report["nearly_the_same"] for name in entry["files"]}
    thumbnails = {name: _thumbnail(photos[name].path) for name in sorted(shown)}
    templates = Environment(loader=PackageLoader(__package__, "."), autoescape=True, undefined=StrictUndefined)
    templates.filters["percent"] = "{:.0%}".format
    page = templates.get_template(_TEMPLATE).render(report=report, thumbnails=thumbnails)
    try:
        place.write_text(page, "utf-8")
    except OSError as error:
        raise SetupError(f"the report cannot be written to {place}: {error.strerror}") from None


def _thumbnail(path: Path) -> str:
    """A data URL; empty if the file has gone."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            image.draft("RGB", (2 * _SIDE, 2 * _SIDE))
            small = ImageOps.exif_transpose(image).convert("RGB")
            small.thumbnail((_SIDE, _SIDE))
    except Exception:  # whatever Pillow raises: the photo was good a moment ago, so its file has changed
        return ""
    file = io.BytesIO()
    small.save(file, "JPEG", quality=75)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
