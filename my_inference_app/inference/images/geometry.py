"""Which part of a picture the model sees, and which way up."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from ...bundles.bundle import InputSpec

Box = tuple[float, float, float, float]

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


@dataclass(frozen=True)
class View:
    """Of the picture as it is stored, which may lie on its side."""

    box: Box
    size: tuple[int, int]
    """Width and height that the box is resized to."""
    turns: tuple[Image.Transpose, ...]
    """What is to be done with the result."""


def view(image: Image.Image, spec: InputSpec) -> View:
    orientation = _orientation(image)
    sideways = orientation in _SIDEWAYS
    width, height = (image.height, image.width) if sideways else (image.width, image.height)
    box = _crop_box(width, height, spec)
    size = (spec.size[1], spec.size[0])
    if sideways:
        box, size = (box[1], box[0], box[3], box[2]), (size[1], size[0])
    # The centre is off by a pixel where an odd number of them is cut away: it matters from which end.
    if orientation in _MIRRORED_X:
        box = (image.width - box[2], box[1], image.width - box[0], box[3])
    if orientation in _MIRRORED_Y:
        box = (box[0], image.height - box[3], box[2], image.height - box[1])
    return View(box, size, _TRANSPOSITIONS.get(orientation, ()))


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 where there is none or it makes no sense."""
    try:
        # Not image.getexif(): a PNG's own would decode all of the picture, to look behind it, where EXIF has no place.
        value = Image.Image.getexif(image).get(_ORIENTATION_TAG, 1)
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
