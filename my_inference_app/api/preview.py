"""A small copy of an uploaded image as a data: URL, so that the page can show the image without storing it."""

from __future__ import annotations

import io
from base64 import b64encode
from threading import Lock

import numpy as np
from PIL import Image, ImageOps

from ..inference.images.decode import FORMATS

_SIDE = 320
# One preview is made at a time, of a limited image: together they need little memory and time beside the predictions.
_MOST_PIXELS = 16_000_000
_MOST_SCANNED_PIXELS = 10 * _MOST_PIXELS  # of a progressive JPEG, which repeats the image in every scan
_SCAN = b"\xff\xda"
_LONGEST_WAIT = 1.0
_one_at_a_time = Lock()


def preview(data: bytes) -> str | None:
    """None if the image is too large to be decoded again, cannot be decoded, or other previews take too long."""
    if not data or not _one_at_a_time.acquire(timeout=_LONGEST_WAIT):
        return None
    try:
        return _preview(data)
    except Exception:  # Pillow raises many kinds for damaged files; the page is complete without a preview
        return None
    finally:
        _one_at_a_time.release()


def _preview(data: bytes) -> str | None:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        progressive = "progressive" in image.info
        if not progressive:  # the decoder keeps all of a progressive JPEG, however small the result is
            image.draft(None, (2 * _SIDE, 2 * _SIDE))
        pixels = image.width * image.height
        if pixels > _MOST_PIXELS or (progressive and pixels * data.count(_SCAN) > _MOST_SCANNED_PIXELS):
            return None
        image.thumbnail((_SIDE, _SIDE))
        upright = ImageOps.exif_transpose(image)
    file = io.BytesIO()
    _on_white(upright).save(file, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{b64encode(file.getvalue()).decode()}"


def _on_white(image: Image.Image) -> Image.Image:
    """RGB, as the model gets it: transparency becomes white, 16-bit grey keeps its range."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
