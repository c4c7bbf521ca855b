"""Pictures drawn for tests: of one colour, in any format, or with bytes no library would write."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[1]
SAMPLES = sorted((REPOSITORY / "post_request").glob("*.[jp][pn]g"))
# Development data that is not part of the project.
PHOTOS = sorted((REPOSITORY.parent / "shared" / "data" / "photos").glob("*.jpg"))

COLOURS = {"red": (230, 20, 30), "green": (20, 220, 40), "blue": (10, 30, 240)}


def plain_image(label: str = "green", size: tuple[int, int] = (60, 44), format: str = "PNG", **options: Any) -> bytes:
    """The bytes of a picture that the tiny model gives this label."""
    return encode(Image.new("RGB", size, COLOURS[label]), format, **options)


def encode(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def pattern(width: int, height: int) -> Image.Image:
    """Smooth, without any symmetry: no turned, mirrored or shifted version of it looks alike."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    channels = [255 * x, 255 * y * y, 127 + 127 * np.sin(9 * x + 5 * y * y)]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def png(width: int, height: int, depth: int, colour_type: int, row: bytes = b"", extra: bytes = b"") -> bytes:
    """A PNG whose rows are all the same; without a row its header stands alone."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))
    data = _chunk(b"IDAT", zlib.compress((b"\0" + row) * height)) if row else b""
    return b"\x89PNG\r\n\x1a\n" + header + extra + data + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
