"""From the bytes of an image to the checked uint8 array a model takes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...bundles.bundle import InputSpec
from ...errors import ImageTooLarge, ImageUndecodable, ServiceError, UnsupportedFormat
from .geometry import Box, crop_of, shown_box

# MPO, which stereo cameras write, is a JPEG followed by more of them. Pillow opens it as one.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
ACCEPTED = "JPEG, PNG, WebP, GIF or BMP"

_FIRST_BYTES = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBP|GIF8[79]a|BM....\0\0\0\0", re.DOTALL)
_ENDINGS = {
    "jpg": re.compile(rb"\xff\xd8\xff"),
    "png": re.compile(rb"\x89PNG"),
    "gif": re.compile(rb"GIF8"),
    "webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "bmp": re.compile(rb"BM"),
}
_SMALLEST_FILE = 24
"""Fewer bytes are not an image in any of the formats, whatever they begin with."""

# A progressive JPEG repeats the whole image in every scan: thousands of scans cost minutes and hardly a byte each.
# Cameras write about ten. The marker cannot occur within a scan, only where a scan starts.
_SCAN = b"\xff\xda"
_MOST_SCANS = 100
_MOST_SCANNED_PIXELS = 1_000_000_000

# JPEGs are decoded at 1/2, 1/4 or 1/8 of their size if the result is still this many times as large as needed.
_DRAFT_MARGIN = 2

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "hamming": Image.Resampling.HAMMING,
}
INTERPOLATIONS = tuple(_RESAMPLING)

Room = Callable[[int], AbstractContextManager[None]]
"""Entered with a number of pixels before so many are decoded, and left when their memory is free again."""


def looks_like_image(data: bytes) -> bool:
    return _FIRST_BYTES.match(data) is not None


def ending_of(data: bytes) -> str | None:
    """What the name of a file with this image should end in."""
    return next((ending for ending, first_bytes in _ENDINGS.items() if first_bytes.match(data)), None)


def _unlimited(_pixels: int) -> AbstractContextManager[None]:
    return nullcontext()


def decode(data: bytes, spec: InputSpec, max_pixels: int, room: Room = _unlimited) -> NDArray[np.uint8]:
    """The part of the image that the model sees, as height x width x 3."""
    with _open(data) as image:
        pixels = image.width * image.height
        if pixels > max_pixels:
            raise ImageTooLarge(
                f"the image has {image.width}x{image.height} pixels, more than the {max_pixels:,} allowed: "
                "make it smaller"
            )
        scans = data.count(_SCAN) if image.format in ("JPEG", "MPO") else 1
        if scans > _MOST_SCANS or scans * pixels > _MOST_SCANNED_PIXELS:
            raise ImageUndecodable(f"the image is built up in {scans} scans, too many: save it as an ordinary JPEG")
        try:
            return np.array(_prepare(image, spec, room))  # a copy: engines need memory of their own
        except ServiceError:
            raise
        # Pillow's decoders raise OSError, ValueError, SyntaxError, struct.error and more for broken files.
        except Exception:
            raise ImageUndecodable("the image is damaged or incomplete and cannot be decoded") from None


def box_of(data: bytes, spec: InputSpec) -> Box:
    """The part that the model sees of an image that can be decoded."""
    with _open(data) as image:
        return shown_box(image, spec)


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageTooLarge("the image has too many pixels: make it smaller") from None
    except Exception:  # as above: broken headers raise anything
        if looks_like_image(data) and len(data) >= _SMALLEST_FILE:
            raise ImageUndecodable("the image is damaged or incomplete and cannot be decoded") from None
        raise UnsupportedFormat(f"this is not an image in a supported format: send {ACCEPTED}") from None


def _prepare(image: Image.Image, spec: InputSpec, room: Room) -> Image.Image:
    crop = crop_of(image, spec)
    whole = image.width * image.height
    box = _draft(image, crop.box, crop.size)
    # Of a progressive JPEG the decoder keeps all pixels, whatever it is reduced to.
    with room(whole if "progressive" in image.info else image.width * image.height):
        pixels = _to_rgb(image)
        cut = _on_white(pixels.resize(crop.size, _RESAMPLING[spec.interpolation], box=_inside(box, pixels)))
        for done in (pixels, image):
            done.close()  # frees the memory before the next image is decoded
    for transposition in crop.transpositions:
        cut = cut.transpose(transposition)
    return cut


def _draft(image: Image.Image, box: Box, target: tuple[int, int]) -> Box:
    """Lets the JPEG decoder do the coarse part of the reduction, and returns the box in the smaller image."""
    before = image.size
    wanted = [
        max(1, int(_DRAFT_MARGIN * pixels * side / (end - start)))
        for pixels, side, start, end in zip(target, before, box[:2], box[2:], strict=True)
    ]
    drafted = image.draft(None, (wanted[0], wanted[1]))
    if not drafted:
        return box
    # Not image.width / before[0]: the last pixel of the smaller image stands for less than a whole one.
    scale = drafted[1][2] / before[0]
    return (box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale)


def _inside(box: Box, image: Image.Image) -> Box:
    """Cuts off what rounding added beyond the edge, which Pillow would refuse."""
    return (max(0.0, box[0]), max(0.0, box[1]), min(box[2], image.width), min(box[3], image.height))


def _to_rgb(image: Image.Image) -> Image.Image:
    """RGB, or RGBA if there is transparency."""
    if image.mode.startswith("I"):  # 16-bit grey: convert() would cut at 255 instead of scaling
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    mode = "RGBA" if image.has_transparency_data and not _is_unused_alpha(image) else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _is_unused_alpha(image: Image.Image) -> bool:
    """Many programs leave the fourth byte of a 32-bit BMP at zero, and its image is not transparent all the same."""
    return image.format == "BMP" and image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")
