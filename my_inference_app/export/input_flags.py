"""The command line's flags for the preparation of images, and the values they take."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Literal

from ..inference.images.decode import INTERPOLATIONS
from .input_options import LAYOUTS, STRETCH, Channels, InputOptions

_LONGEST = 10_000


def add_flags(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("how images are prepared, where nothing tells").add_argument
    add("--size", type=_size, metavar="224", help="height and width that the model takes; 224x192 if they differ")
    add(
        "--resize",
        type=_resize,
        metavar="256",
        help=f"length of the shorter side before the centre is cut out, or `{STRETCH}`: the image is stretched",
    )
    add("--interpolation", choices=INTERPOLATIONS, help="how images are resized (default: bilinear)")
    numbers = "three numbers, or one for all channels, of pixel values from 0 to 1; 1/255 is a number too"
    add("--mean", type=_mean, metavar="0.485,0.456,0.406", help=numbers)
    add("--std", type=_std, metavar="0.229,0.224,0.225", help=numbers)
    add("--layout", choices=LAYOUTS, help="order of the dimensions that an ONNX file takes, if it does not tell")


def options_of(given: Namespace) -> InputOptions:
    return InputOptions(given.size, given.resize, given.interpolation, given.mean, given.std, given.layout)


def _length(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= _LONGEST:
        raise ArgumentTypeError(f"{text!r} is not a number of pixels from 1 to {_LONGEST}")
    return int(text)


def _size(text: str) -> tuple[int, int]:
    height, by, width = text.partition("x")
    return _length(height), _length(width if by else height)


def _resize(text: str) -> int | Literal["stretch"]:
    return STRETCH if text == STRETCH else _length(text)


def _mean(text: str) -> Channels:
    return _channels(text, 0.0)


def _std(text: str) -> Channels:
    return _channels(text, 0.0001)


def _channels(text: str, least: float) -> Channels:
    """Values above 1 are a mistake: they are of pixel values up to 255, which 123.675/255 expresses."""
    try:
        values = [_number(part) for part in text.split(",")]
        red, green, blue = values * 3 if len(values) == 1 else values
    except (ValueError, ZeroDivisionError):
        raise ArgumentTypeError(f"{text!r} is not one number or three, such as 0.485,0.456,0.406") from None
    if not all(least <= value <= 1 for value in (red, green, blue)):
        raise ArgumentTypeError(f"{text!r} is not between {least:g} and 1; of pixel values up to 255 write 123.675/255")
    return red, green, blue


def _number(text: str) -> float:
    above, slash, below = text.partition("/")
    return float(above) / float(below) if slash else float(above)
