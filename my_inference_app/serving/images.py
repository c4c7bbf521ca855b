"""Bytes of a picture to the checked uint8 array a model takes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..bundle import InputSpec
from ..errors import ImageTooLarge, ImageUndecodable, Overloaded, ServiceError, UnsupportedFormat

# MPO, which stereo cameras write, is a JPEG with more of them behind it; Pillow opens it as one.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
ACCEPTED = "JPEG, PNG, WebP, GIF or BMP"

_FIRST_BYTES = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBP|GIF8[79]a|BM....\0\0\0\0", re.DOTALL)
_SMALLEST_FILE = 24
"""Fewer bytes are no picture in any of the formats, whatever they begin with."""

# A progressive JPEG repeats the whole picture in every scan: thousands of them cost minutes and hardly a byte each.
# Cameras write ten or so. The marker cannot occur within a scan, only where a scan starts.
_SCAN = b"\xff\xda"
_MOST_SCANS = 100

# JPEGs are decoded at 1/2, 1/4 or 1/8 of their size when what is left is still this many times what is needed.
_DRAFT_MARGIN = 2

# A file of some KB can be a picture of 50 million pixels, which takes 400 MB to decode. So those that are large, and no
# JPEGs that could be decoded smaller, are decoded one at a time: as many as there are threads would take all memory.
_LARGE = 4_000_000
_LONGEST_WAIT = 5.0
_large_one = BoundedSemaphore()

_TRANSPOSITIONS = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_270,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_90,),
}
_SIDEWAYS = {5, 6, 7, 8}
_MIRRORED_X = {2, 3, 7, 8}
_MIRRORED_Y = {3, 4, 6, 7}
_ORIENTATION_TAG = 0x0112

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "hamming": Image.Resampling.HAMMING,
}
INTERPOLATIONS = tuple(_RESAMPLING)

Box = tuple[float, float, float, float]


def looks_like_image(data: bytes) -> bool:
    return _FIRST_BYTES.match(data) is not None


def decode(data: bytes, spec: InputSpec, max_pixels: int) -> NDArray[np.uint8]:
    """The part of the picture the model sees, as height x width x 3."""
    with _open(data) as image:
        if image.format in ("JPEG", "MPO") and data.count(_SCAN) > _MOST_SCANS:
            raise ImageUndecodable(f"the picture has more than {_MOST_SCANS} scans: save it as a usual JPEG")
        if image.width * image.height > max_pixels:
            raise ImageTooLarge(
                f"the picture has {image.width}x{image.height} pixels, more than the {max_pixels:,} allowed: "
                "make it smaller"
            )
        try:
            return np.array(_prepare(image, spec))  # a copy: engines want memory of their own
        except ServiceError:
            raise
        # Pillow's decoders raise OSError, ValueError, SyntaxError, struct.error and more for broken files.
        except Exception:
            raise ImageUndecodable("the picture is damaged or incomplete and cannot be decoded") from None


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageTooLarge("the picture has too many pixels: make it smaller") from None
    except Exception:  # as above: broken headers raise anything
        if looks_like_image(data) and len(data) >= _SMALLEST_FILE:
            raise ImageUndecodable("the picture is damaged or incomplete and cannot be decoded") from None
        raise UnsupportedFormat(f"this is not a picture in a supported format: send {ACCEPTED}") from None


def _prepare(image: Image.Image, spec: InputSpec) -> Image.Image:
    orientation = _orientation(image)
    sideways = orientation in _SIDEWAYS
    width, height = (image.height, image.width) if sideways else (image.width, image.height)
    box = _crop_box(width, height, spec)
    target = (spec.size[1], spec.size[0])
    if sideways:
        box, target = (box[1], box[0], box[3], box[2]), (target[1], target[0])
    # The centre is off by a pixel where an odd number of them is cut away: it matters from which end.
    if orientation in _MIRRORED_X:
        box = (image.width - box[2], box[1], image.width - box[0], box[3])
    if orientation in _MIRRORED_Y:
        box = (box[0], image.height - box[3], box[2], image.height - box[1])
    box = _draft(image, box, target)
    with _room_for(image):
        pixels = _to_rgb(image)
        cut = _on_white(pixels.resize(target, _RESAMPLING[spec.interpolation], box=_inside(box, pixels)))
    for step in _TRANSPOSITIONS.get(orientation, ()):
        cut = cut.transpose(step)
    return cut


@contextmanager
def _room_for(image: Image.Image) -> Iterator[None]:
    if image.width * image.height < _LARGE:
        yield
        return
    if not _large_one.acquire(timeout=_LONGEST_WAIT):
        raise Overloaded("too many large pictures at once: try again in a moment, or make them smaller")
    try:
        yield
    finally:
        _large_one.release()


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 where there is none or it makes no sense."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # EXIF is a format of its own, with as many ways to be broken; the picture may still be good
        return 1
    return value if isinstance(value, int) else 1


def _crop_box(width: int, height: int, spec: InputSpec) -> Box:
    """The part of the picture that fills the model's input, in the picture's own pixels.

    Gives what resizing the whole picture and cutting the centre out of it would show, without making the resized
    picture: of a strip of 1x20000 pixels that would be gigabytes.
    """
    if spec.shortest_edge is None:
        return (0.0, 0.0, float(width), float(height))
    short, long = min(width, height), max(width, height)
    resized_long = max(1, int(spec.shortest_edge * long / short))
    resized_w, resized_h = (spec.shortest_edge, resized_long) if width <= height else (resized_long, spec.shortest_edge)
    crop_h, crop_w = spec.size
    left, top = round((resized_w - crop_w) / 2), round((resized_h - crop_h) / 2)
    x, y = width / resized_w, height / resized_h
    return (left * x, top * y, (left + crop_w) * x, (top + crop_h) * y)


def _draft(image: Image.Image, box: Box, target: tuple[int, int]) -> Box:
    """Lets the JPEG decoder do the coarse part of the reduction; returns the box in the smaller picture."""
    before = image.size
    wanted = [
        max(1, int(_DRAFT_MARGIN * pixels * side / (end - start)))
        for pixels, side, start, end in zip(target, before, box[:2], box[2:], strict=True)
    ]
    drafted = image.draft(None, (wanted[0], wanted[1]))
    if not drafted:
        return box
    # Not image.width / before[0]: the last pixel of the smaller picture stands for less than a whole one.
    scale = drafted[1][2] / before[0]
    return (box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale)


def _inside(box: Box, image: Image.Image) -> Box:
    """Takes back what rounding added past the edge, which Pillow would refuse."""
    return (max(0.0, box[0]), max(0.0, box[1]), min(box[2], image.width), min(box[3], image.height))


def _to_rgb(image: Image.Image) -> Image.Image:
    """RGB, or RGBA where there is transparency."""
    if image.mode.startswith("I"):  # 16-bit grey: convert() would cut at 255 instead of scaling
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")
