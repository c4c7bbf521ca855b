"""Images with an orientation are seen as every viewer shows them."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from my_inference_app.bundles.bundle import InputSpec
from my_inference_app.inference.images.decode import decode
from tests.images import encode, pattern

TAG = 0x0112
SPECS = [
    InputSpec((224, 224), 256, "bicubic", (), ()),
    InputSpec((32, 32), 37, "bilinear", (), ()),
    InputSpec((40, 30), 47, "bilinear", (), ()),
    InputSpec((40, 31), None, "bicubic", (), ()),
]
SIZES = [(75, 50), (51, 90), (61, 61), (301, 450)]


def turned(format: str, orientation: int, size: tuple[int, int], **options: object) -> bytes:
    exif = Image.Exif()
    exif[TAG] = orientation
    return encode(pattern(*size), format, exif=exif, **options)


def upright(data: bytes) -> bytes:
    """The same pixels, turned by Pillow and without EXIF."""
    return encode(ImageOps.exif_transpose(Image.open(io.BytesIO(data))), "BMP")


def difference(first: bytes, second: bytes, spec: InputSpec) -> int:
    pixels = [decode(data, spec, 50_000_000).astype(int) for data in (first, second)]
    assert pixels[0].shape == (*spec.size, 3)
    return int(np.abs(pixels[0] - pixels[1]).max())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_set_upright(orientation: int) -> None:
    """With every specification; together the orientations pair each of them with every size."""
    for index, spec in enumerate(SPECS):
        size = SIZES[(orientation + index) % len(SIZES)]
        data = turned("PNG", orientation, size, compress_level=1)
        # Width and height are resized one after the other, with a rounding in between. Turned, the order is the other.
        assert difference(data, upright(data), spec) <= 2, (spec, size)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "MPO"])
@pytest.mark.parametrize("orientation", [3, 5, 6, 8])
def test_orientation_is_read_from_every_format(format: str, orientation: int) -> None:
    data = turned(format, orientation, (75, 50))
    assert difference(data, upright(data), SPECS[1]) <= 1
    assert difference(data, turned(format, 1, (75, 50)), SPECS[1]) > 50


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_large_jpegs_is_set_upright(orientation: int) -> None:
    # Here the JPEG decoder does a part of the reduction in its own way: a pattern without noise hardly differs.
    data = turned("JPEG", orientation, (2401, 1601), quality=90)
    assert difference(data, upright(data), SPECS[0]) <= 4


@pytest.mark.parametrize("orientation", [0, 9, 99, 65535])
def test_unknown_orientation_is_ignored(orientation: int) -> None:
    plain = encode(pattern(75, 50))
    assert difference(turned("PNG", orientation, (75, 50)), plain, SPECS[1]) == 0


def entry(kind: int, count: int, value: bytes) -> bytes:
    """EXIF with an orientation that is not of the usual type."""
    return b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHI4s", TAG, kind, count, value) + b"\0\0\0\0"


@pytest.mark.filterwarnings("ignore")  # Pillow warns of broken EXIF
@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"Exif\0\0",
        b"Exif\0\0garbage that is no TIFF",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01" * 50,
        entry(kind=2, count=2, value=b"6"),
        entry(kind=3, count=0, value=b"\0\6"),
        entry(kind=7, count=1, value=b"\6"),
        entry(kind=11, count=1, value=struct.pack(">f", 6.0)),
        entry(kind=12, count=2**31, value=b"\0\6"),
        entry(kind=99, count=1, value=b"\0\6"),
        b"\0" * 1000,
    ],
)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_broken_exif_does_not_spoil_an_image(exif: bytes, format: str) -> None:
    image = pattern(75, 50)
    assert difference(encode(image, format, exif=exif), encode(image, format), SPECS[1]) == 0


def test_orientation_is_read_from_xmp() -> None:
    """Pillow, like other programs, looks there if there is no EXIF."""
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    data = encode(pattern(75, 50), "JPEG", xmp=xmp)
    assert difference(data, upright(data), SPECS[1]) <= 1
    assert difference(data, encode(pattern(75, 50), "JPEG"), SPECS[1]) > 50
