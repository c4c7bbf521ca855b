"""Which bytes are images, and what colours come out of them."""

from __future__ import annotations

import contextlib
import random
import resource
import struct
import sys
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from my_inference_app.bundles.bundle import InputSpec
from my_inference_app.errors import ImageTooLarge, ImageUndecodable, UnsupportedFormat
from my_inference_app.inference.images.decode import decode
from tests.images import COLOURS, encode, pattern, plain_image, png

SPEC = InputSpec((32, 32), 36, "bilinear", (0.0,) * 3, (1.0,) * 3)
LARGE = InputSpec((224, 224), 256, "bicubic", (0.0,) * 3, (1.0,) * 3)
MANY = 50_000_000

GREEN = Image.new("RGB", (60, 44), COLOURS["green"])
RED = Image.new("RGB", (60, 44), COLOURS["red"])
CLEAR = Image.new("RGBA", (60, 44), (*COLOURS["red"], 0))
WHITE = (255, 255, 255)
HALF = Image.new("RGBA", (60, 44), (0, 0, 0, 128))


def colour_of(data: bytes) -> tuple[float, ...]:
    """The one colour of an image; fails if it has more of them."""
    pixels = decode(data, SPEC, MANY)
    assert pixels.shape == (32, 32, 3) and pixels.dtype == np.uint8
    assert np.ptp(pixels, axis=(0, 1)).max() <= 6
    return tuple(float(value) for value in pixels.mean((0, 1)))


def two_frames(format: str) -> bytes:
    return encode(GREEN, format, save_all=True, append_images=[RED])


def bmp32(left: int, right: int) -> bytes:
    """A red BMP with an alpha channel that has one value in its left half and one in its right."""
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    blue_green_red = bytes(reversed(COLOURS["red"]))
    pixels = (30 * (blue_green_red + bytes([left])) + 30 * (blue_green_red + bytes([right]))) * 44
    header = struct.pack("<IiiHHIIiiII", 56, 60, 44, 1, 32, 3, len(pixels), 2835, 2835, 0, 0) + masks
    return b"BM" + struct.pack("<IHHI", 14 + len(header) + len(pixels), 0, 0, 14 + len(header)) + header + pixels


KINDS = {
    "JPEG": (encode(GREEN, "JPEG"), COLOURS["green"]),
    "JPEG, progressive": (encode(GREEN, "JPEG", progressive=True), COLOURS["green"]),
    "JPEG, CMYK": (encode(GREEN.convert("CMYK"), "JPEG"), COLOURS["green"]),
    "JPEG, grey": (encode(Image.new("L", (60, 44), 99), "JPEG"), (99, 99, 99)),
    "JPEG with more behind it": (plain_image(format="JPEG") + b"\0" * 1000, COLOURS["green"]),
    "MPO": (two_frames("MPO"), COLOURS["green"]),
    "PNG": (encode(GREEN), COLOURS["green"]),
    "PNG, palette": (encode(GREEN.quantize(4)), COLOURS["green"]),
    "PNG, palette with alpha": (encode(CLEAR.quantize(4)), WHITE),
    "PNG, palette, one colour clear": (encode(Image.new("P", (60, 44), 0), transparency=0), WHITE),
    "PNG, palette, one colour half clear": (encode(Image.new("P", (60, 44), 0), transparency=b"\x80"), (127, 127, 127)),
    "PNG, one colour clear": (encode(GREEN, transparency=COLOURS["green"]), WHITE),
    "PNG, grey": (encode(Image.new("L", (60, 44), 99)), (99, 99, 99)),
    "PNG, grey, one shade clear": (encode(Image.new("L", (60, 44), 99), transparency=99), WHITE),
    "PNG, grey, half clear": (encode(Image.new("LA", (60, 44), (0, 128))), (127, 127, 127)),
    "PNG, grey, opaque": (encode(Image.new("LA", (60, 44), (9, 255))), (9, 9, 9)),
    "PNG, clear": (encode(CLEAR), WHITE),
    "PNG, half clear": (encode(HALF), (127, 127, 127)),
    "PNG, 1 bit, white": (encode(Image.new("1", (60, 44), 1)), WHITE),
    "PNG, 1 bit, black": (encode(Image.new("1", (60, 44), 0)), (0, 0, 0)),
    "PNG, 2 bits": (png(60, 44, 2, 0, b"\xaa" * 15), (170, 170, 170)),
    "PNG, 16 bits, grey": (encode(Image.new("I;16", (60, 44), 0x8000)), (128, 128, 128)),
    "PNG, 16 bits, white": (encode(Image.new("I;16", (60, 44), 0xFFFF)), WHITE),
    "PNG, 16 bits, nearly black": (encode(Image.new("I;16", (60, 44), 0x00FF)), (0, 0, 0)),
    "PNG, 16 bits, grey and alpha": (png(60, 44, 16, 4, b"\x10\x00\xff\xff" * 60), (16, 16, 16)),
    "PNG, 16 bits, RGB": (png(60, 44, 16, 2, b"\x80\xff\x40\x00\x20\x00" * 60), (128, 64, 32)),
    "PNG, 16 bits, RGBA": (png(60, 44, 16, 6, b"\x80\x00\x40\x00\x20\x00\xff\xff" * 60), (128, 64, 32)),
    "PNG, animated": (two_frames("PNG"), COLOURS["green"]),
    "WebP": (encode(GREEN, "WEBP"), COLOURS["green"]),
    "WebP, lossless": (encode(GREEN, "WEBP", lossless=True), COLOURS["green"]),
    "WebP, clear": (encode(CLEAR, "WEBP"), WHITE),
    "WebP, half clear": (encode(HALF, "WEBP", lossless=True), (127, 127, 127)),
    "WebP, animated": (two_frames("WEBP"), COLOURS["green"]),
    "GIF": (encode(GREEN, "GIF"), COLOURS["green"]),
    "GIF, clear": (encode(CLEAR, "GIF"), WHITE),
    "GIF, animated": (two_frames("GIF"), COLOURS["green"]),
    "BMP": (encode(GREEN, "BMP"), COLOURS["green"]),
    "BMP, palette": (encode(GREEN.quantize(4), "BMP"), COLOURS["green"]),
    "BMP, 1 bit": (encode(Image.new("1", (60, 44), 1), "BMP"), WHITE),
    "BMP, 32 bits, opaque": (bmp32(255, 255), COLOURS["red"]),
    "BMP, 32 bits, half clear": (bmp32(128, 128), (242, 137, 142)),
    "BMP, 32 bits, alpha unused": (bmp32(0, 0), COLOURS["red"]),
}


@pytest.mark.parametrize(("data", "colour"), KINDS.values(), ids=KINDS.keys())
def test_every_kind_of_image_has_its_colour(data: bytes, colour: tuple[int, ...]) -> None:
    # JPEG and WebP store colours in YCbCr at half the resolution, and CMYK is converted to it and back.
    assert colour_of(data) == pytest.approx(colour, abs=6)


def test_colour_of_transparent_pixels_does_not_bleed_into_others() -> None:
    image = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 32, 64))
    pixels = decode(encode(image), SPEC, MANY).reshape(-1, 3).astype(int)
    # All colours lie between white and blue: none has more red than green.
    assert np.abs(pixels[:, 0] - pixels[:, 1]).max() <= 1


def test_alpha_of_a_bmp_counts_if_any_pixel_has_some() -> None:
    pixels = decode(bmp32(255, 0), SPEC, MANY)
    assert pixels[16, 2] == pytest.approx(COLOURS["red"], abs=1)
    assert pixels[16, 29] == pytest.approx(WHITE, abs=1)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 2), (3, 5), (32, 32), (31, 33), (1, 20000), (20000, 1)])
@pytest.mark.parametrize("spec", [SPEC, LARGE, InputSpec((20, 30), None, "bicubic", (), ())], ids=str)
def test_extreme_shapes_take_little_memory(size: tuple[int, int], spec: InputSpec) -> None:
    before = _peak()
    for data in (plain_image("red", size), plain_image("red", size, "JPEG")):
        pixels = decode(data, spec, MANY)
        assert pixels.shape == (*spec.size, 3)
        assert pixels.mean((0, 1)) == pytest.approx(COLOURS["red"], abs=6)
    assert _peak() - before < 50_000


def _peak() -> int:
    """Peak memory of this process, in kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)


def test_too_many_pixels_are_refused_before_decoding() -> None:
    image_of_ten = plain_image(size=(5, 2))
    assert decode(image_of_ten, SPEC, 10).shape == (32, 32, 3)
    with pytest.raises(ImageTooLarge, match=r"5x2 pixels, more than the 9 allowed"):
        decode(image_of_ten, SPEC, 9)
    # This one has nothing behind its header that could be decoded.
    with pytest.raises(ImageTooLarge, match="8000x8000"):
        decode(png(8000, 8000, 8, 2), SPEC, MANY)


# Pillow warns of the first two and raises an error for the others. Only in tests are warnings errors.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("side", [10_000, 14_000, 65_000, 2**31 - 1])
def test_decompression_bomb_is_refused(side: int) -> None:
    with pytest.raises(ImageTooLarge):
        decode(png(side, side, 8, 2), SPEC, MANY)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"not an image",
        b"not an image " * 100,
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        b"<!doctype html><title>404</title><p>This page does not exist.",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj",
        b"\0\0\0\x20ftypheic\0\0\0\0mif1heic" + b"\0" * 99,
        b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2" + b"\0" * 99,
        b"RIFF\x24\x08\0\0WAVEfmt \x10\0\0\0" + b"\0" * 99,
        b"PK\x03\x04" + b"\0" * 99,
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"BM",
        b"RIFF\0\0\0\0WEBP",
        encode(GREEN, "TIFF"),
        encode(GREEN, "ICO"),
        encode(GREEN, "PPM"),
        encode(GREEN, "TGA"),
        b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 " + b"\0" * 99,
        b"\0\0\0\x20ftypavif\0\0\0\0avifmif1" + b"\0" * 99,
        b"BMX bikes are built for races on dirt tracks",
        encode(GREEN, "EPS"),
    ],
)
def test_unsupported_formats_are_refused(data: bytes) -> None:
    with pytest.raises(UnsupportedFormat, match="JPEG, PNG, WebP, GIF or BMP"):
        decode(data, SPEC, MANY)


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))


@pytest.mark.parametrize(
    "data",
    [
        *(half(encode(NOISE, name)) for name in ("JPEG", "PNG", "WEBP", "GIF", "BMP")),
        half(encode(NOISE, "JPEG", progressive=True)),
        half(encode(pattern(2000, 1000), "JPEG")),
        encode(NOISE, "JPEG")[:-20],
        encode(NOISE)[:200],
        b"\xff\xd8\xff\xe0" + b"\0" * 99,
        b"\x89PNG\r\n\x1a\n" + b"\0" * 99,
        b"RIFF\x64\0\0\0WEBPVP8 " + b"\0" * 99,
        b"GIF89a" + b"\0" * 99,
        png(9, 9, 8, 2),
        png(9, 9, 3, 2, b"\0" * 27),
        png(0, 9, 8, 2, b"\0"),
        encode(NOISE).replace(b"IDAT", b"JDAT"),
    ],
)
def test_damaged_image_is_refused(data: bytes) -> None:
    with pytest.raises(ImageUndecodable, match="damaged or incomplete"):
        decode(data, SPEC, MANY)


def spoilt(format: str, **options: object) -> Callable[[random.Random], bytes]:
    whole = encode(pattern(40, 30), format, **options)

    def make(chance: random.Random) -> bytes:
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(min(len(data), chance.choice([32, 400, 10_000])))] = chance.randrange(256)
        return bytes(data[: chance.randint(1, 20 * len(data))])

    return make


def in_scans(scans: int, side: int) -> bytes:
    """A progressive JPEG whose header claims this size."""
    data = encode(pattern(64, 64), "JPEG", progressive=True)
    header, last = data.index(b"\xff\xc2") + 5, data.rindex(b"\xff\xda")
    more = data[last:-2] * (scans - data.count(b"\xff\xda"))
    return data[:header] + struct.pack(">HH", side, side) + data[header + 4 : -2] + more + b"\xff\xd9"


def test_fewer_scans_are_allowed_the_larger_the_image() -> None:
    assert decode(in_scans(99, 64), SPEC, MANY).shape == (32, 32, 3)
    for scans, side in ((101, 64), (21, 7000)):
        with pytest.raises(ImageUndecodable, match=f"{scans} scans"):
            decode(in_scans(scans, side), SPEC, MANY)


EXIF = Image.Exif()
EXIF[0x0112] = 6


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "MPO"])
def test_random_damage_never_raises_anything_else(format: str) -> None:
    chance = random.Random(0)  # noqa: S311
    make = spoilt(format, **({} if format in ("GIF", "BMP") else {"exif": EXIF}))
    for _ in range(500):
        with contextlib.suppress(ImageTooLarge, ImageUndecodable, UnsupportedFormat):
            assert decode(make(chance), SPEC, 1_000_000).shape == (32, 32, 3)
