"""The part of an image that the model sees, and its orientation."""

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
class Crop:
    """What to cut out of an image as it is stored, which may be on its side."""

    box: Box
    size: tuple[int, int]
    """Width and height that the box is resized to."""
    transpositions: tuple[Image.Transpose, ...]
    """Applied to the result, to set it upright."""


def crop_of(image: Image.Image, spec: InputSpec) -> Crop:
    orientation = _orientation(image)
    sideways = orientation in _SIDEWAYS
    width, height = (image.height, image.width) if sideways else (image.width, image.height)
    box = _crop_box(width, height, spec)
    size = (spec.size[1], spec.size[0])
    if sideways:
        box, size = (box[1], box[0], box[3], box[2]), (size[1], size[0])
    # If an odd number of pixels is cut away, the centre is off by one, and it matters from which end.
    if orientation in _MIRRORED_X:
        box = (image.width - box[2], box[1], image.width - box[0], box[3])
    if orientation in _MIRRORED_Y:
        box = (box[0], image.height - box[3], box[2], image.height - box[1])
    return Crop(box, size, _TRANSPOSITIONS.get(orientation, ()))


def shown_box(image: Image.Image, spec: InputSpec) -> Box:
    """The part of the image that the model sees, in the pixels of the image as it is shown."""
    sideways = _orientation(image) in _SIDEWAYS
    width, height = (image.height, image.width) if sideways else (image.width, image.height)
    left, top, right, bottom = _crop_box(width, height, spec)
    return (max(0.0, left), max(0.0, top), min(float(width), right), min(float(height), bottom))


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 if there is none or it makes no sense."""
    try:
        # A PNG's own getexif() would decode the whole image to look behind it, where EXIF does not belong.
        value = Image.Image.getexif(image).get(_ORIENTATION_TAG, 1)
    except Exception:  # EXIF can be broken in many ways, and the image may still be good
        return 1
    return value if isinstance(value, int) else 1


def _crop_box(width: int, height: int, spec: InputSpec) -> Box:
    """The part of the image that fills the model's input, in the image's own pixels.

    It shows the same as resizing the whole image and cutting out the centre, but the resized image is never made:
    that of a strip of 1x20000 pixels would take gigabytes.
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
