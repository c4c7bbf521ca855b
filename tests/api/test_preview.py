"""The small copy of an uploaded image: upright, small, and missing rather than expensive."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from my_inference_app.api.preview import preview
from tests.images import COLOURS, encode, pattern, plain_image, png

ORIENTATIONS = {
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_270),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_90),
}


def shown(data: bytes) -> Image.Image:
    url = preview(data)
    assert url
    head, _, text = url.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(text)))


def difference(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())


@pytest.mark.parametrize(
    ("size", "expected"),
    [((60, 44), (60, 44)), ((640, 480), (320, 240)), ((480, 4000), (38, 320)), ((4000, 3000), (320, 240))],
)
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_preview_keeps_the_shape_within_320_pixels(
    size: tuple[int, int], expected: tuple[int, int], format: str
) -> None:
    image = shown(plain_image("blue", size, format))
    assert image.size == expected
    assert difference(image, Image.new("RGB", expected, COLOURS["blue"])) < 3


@pytest.mark.parametrize("format", ["WEBP", "GIF", "BMP"])
def test_preview_of_every_format_is_a_jpeg(format: str) -> None:
    assert shown(plain_image(format=format)).size == (60, 44)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_preview_is_upright(orientation: int) -> None:
    stored = pattern(90, 60)
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = ORIENTATIONS[orientation](stored)
    image = shown(encode(stored, "JPEG", quality=95, exif=exif))
    assert image.size == upright.size
    assert difference(image, upright) < 3


def test_transparency_is_shown_as_white() -> None:
    image = shown(encode(Image.new("RGBA", (40, 30), (255, 0, 0, 0))))
    assert difference(image, Image.new("RGB", (40, 30), "white")) < 1


def test_16_bit_grey_keeps_its_range() -> None:
    row = np.full(40, 128 << 8, ">u2").tobytes()
    assert difference(shown(png(40, 30, 16, 0, row)), Image.new("RGB", (40, 30), (128, 128, 128))) < 2


@pytest.mark.parametrize(
    "data",
    [b"", b"text " * 20, plain_image()[:60], encode(pattern(90, 60), "TIFF")],
    ids=["empty", "text", "damaged", "another format"],
)
def test_bytes_without_an_image_give_no_preview(data: bytes) -> None:
    assert preview(data) is None


def test_image_over_the_limit_gives_no_preview() -> None:
    assert preview(png(5000, 4000, 1, 0, bytes(625))) is None
    assert preview(encode(Image.new("L", (5000, 4000)), "JPEG", progressive=True)) is None


def test_large_baseline_jpeg_gives_a_preview() -> None:
    assert shown(encode(Image.new("L", (5000, 4000)), "JPEG")).size == (320, 256)


def test_progressive_jpeg_with_many_scans_gives_no_preview() -> None:
    data = encode(Image.new("L", (1000, 1000)), "JPEG", progressive=True)
    assert preview(data)
    assert preview(data[:-2] + b"\xff\xda" * 200 + data[-2:]) is None
