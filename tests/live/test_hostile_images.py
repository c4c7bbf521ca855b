"""Pictures made to hurt, sent to a real service; after all of them it still answers, and has not grown."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import partial

import pytest
import requests
from PIL import Image

from tests.images import encode, pattern, png
from tests.live.endurance import assert_it_stays_as_it_was
from tests.live.service import REPOSITORY, Service

CAT = (REPOSITORY / "post_request" / "cat.jpg").read_bytes()
JPEG = encode(pattern(300, 200), "JPEG", quality=90)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(kind: bytes, head: bytes) -> bytes:
    """64 MB of zeros in 65 KB of a PNG's text or colour profile."""
    return png(4, 4, 8, 2, b"\0" * 12, extra=chunk(kind, head + zlib.compress(b"\0" * 64_000_000, 9)))


def patched_jpeg(width: int, height: int) -> bytes:
    start = JPEG.index(b"\xff\xc0") + 5
    return JPEG[:start] + struct.pack(">HH", height, width) + JPEG[start + 4 :]


def cut(length: int) -> bytes:
    return JPEG[:length]


def many_scans(count: int) -> bytes:
    data = encode(pattern(64, 64), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + b"\xff\xd9"


def icc_bomb() -> bytes:
    """The same in a JPEG's colour profile, which is made of segments of 64 KB."""
    profile = b"ICC_PROFILE\0"
    segments = b"".join(
        b"\xff\xe2" + struct.pack(">H", 2 + len(profile) + 2 + 60_000) + profile + bytes([number, 200]) + bytes(60_000)
        for number in range(1, 101)
    )
    return JPEG[:2] + segments + JPEG[2:]


def huge_webp() -> bytes:
    """An animation whose canvas is 16384 x 16384, with one small frame."""
    frame = encode(pattern(40, 30), "WEBP", lossless=True)[12:]
    place = struct.pack("<I", 0)[:3] * 2 + struct.pack("<I", 39)[:3] + struct.pack("<I", 29)[:3] + bytes(4)
    parts = [
        (b"VP8X", b"\x02\0\0\0" + struct.pack("<I", 16383)[:3] * 2),
        (b"ANIM", bytes(6)),
        (b"ANMF", place + frame),
    ]
    body = b"WEBP" + b"".join(kind + struct.pack("<I", len(data)) + data for kind, data in parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def with_exif(orientation: bytes) -> bytes:
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + orientation + b"\0\0\0\0\0\0"
    exif = b"Exif\0\0" + tiff
    return JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + JPEG[2:]


def gif_frames(count: int) -> bytes:
    data = encode(Image.new("P", (8, 8), 1), "GIF")
    start = data.index(b",", 13)  # where its one frame begins
    return data[:start] + data[start:-1] * count + b";"


TOO_LARGE: dict[str, Callable[[], bytes]] = {
    "a header that claims 50000x50000": lambda: png(50_000, 50_000, 8, 2),
    "13000x13000 bits of nothing": lambda: png(13_000, 13_000, 1, 0, b"\0" * 1625),
    "a JPEG patched to 65500x65500": lambda: patched_jpeg(65_500, 65_500),
    "a GIF of 65535x65535": lambda: (
        b"GIF89a"
        + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0)
        + gif_frames(2)[13:].replace(struct.pack("<HH", 8, 8), struct.pack("<HH", 65535, 65535))
    ),
    "a WebP whose canvas is 16384x16384": huge_webp,
    "a BMP of 60000x60000": lambda: (
        b"BM" + struct.pack("<IIIIiiHHIIiiII", 99, 0, 54, 40, 60000, 60000, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(99)
    ),
}
UNDECODABLE: dict[str, Callable[[], bytes]] = {
    **{f"cut at {part} of 8": partial(cut, len(JPEG) * part // 8) for part in range(1, 8)},
    "a PNG with a bad checksum": lambda: (data := encode(pattern(30, 30)))[:40] + b"\0\0" + data[42:],
    "a PNG without data": lambda: png(30, 30, 8, 2),
    "text that unpacks to 64 MB": lambda: bomb(b"zTXt", b"key\0\0"),
    "a colour profile that unpacks to 64 MB": lambda: bomb(b"iCCP", b"icc\0\0"),
    "hundreds of scans": lambda: many_scans(400),
    "garbage behind a JPEG's header": lambda: JPEG[:200] + b"\x55" * 2000,
}
UNSUPPORTED: dict[str, Callable[[], bytes]] = {
    **{
        name: partial(encode, pattern(40, 30), name)
        for name in ("TIFF", "ICO", "PPM", "TGA", "PCX", "DDS", "ICNS", "JPEG2000", "AVIF", "PDF")
    },
    "EPS": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n" + b"x" * 99,
    "PSD": lambda: b"8BPS\0\1" + bytes(99),
    "SVG": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>' * 3,
    "a pickle": lambda: b"\x80\x04\x95\x1d\0\0\0\0\0\0\0cos\nsystem\n(S'true'\ntR." * 3,
    "text": lambda: b"a picture of a cat, in words " * 9,
    "the first 20 bytes of a JPEG": lambda: JPEG[:20],
}
FINE: dict[str, Callable[[], bytes]] = {
    "a GIF of 10,000 frames": lambda: gif_frames(10_000),
    "a JPEG with a colour profile of 6 MB": icc_bomb,
    "MPO": lambda: encode(pattern(40, 30), "MPO", save_all=True, append_images=[pattern(40, 30)]),
    "16-bit grey": lambda: encode(Image.new("I;16", (40, 30), 40_000)),
    "alpha": lambda: encode(pattern(40, 30).convert("RGBA")),
    "grey and alpha": lambda: encode(pattern(40, 30).convert("LA")),
    "a palette with a clear colour": lambda: encode(pattern(40, 30).convert("P"), transparency=3),
    "two colours": lambda: encode(pattern(40, 30).convert("1"), "BMP"),
    "EXIF orientation 6": lambda: with_exif(b"\0\x06"),
    "EXIF orientation 99": lambda: with_exif(b"\0\x63"),
    "EXIF of garbage": lambda: JPEG[:2] + b"\xff\xe1\x00\x40Exif\0\0" + b"\x99" * 56 + JPEG[2:],
    "1x1": lambda: encode(Image.new("RGB", (1, 1))),
    "1x20000": lambda: encode(Image.new("RGB", (1, 20_000))),
    "20000x1": lambda: encode(Image.new("RGB", (20_000, 1))),
    "CMYK": lambda: encode(pattern(40, 30).convert("CMYK"), "JPEG"),
    "a script behind the picture": lambda: JPEG + b"<script>alert(1)</script>" * 9,
    "ninety scans": lambda: many_scans(80),
}
CASES = [
    *((name, make, 422, "image_too_large") for name, make in TOO_LARGE.items()),
    *((name, make, 422, "image_undecodable") for name, make in UNDECODABLE.items()),
    *((name, make, 415, "unsupported_format") for name, make in UNSUPPORTED.items()),
    *((name, make, 200, "") for name, make in FINE.items()),
]


@pytest.mark.parametrize(("name", "make", "status", "code"), CASES, ids=[case[0] for case in CASES])
def test_hostile_image_gets_its_answer(
    service: Service, name: str, make: Callable[[], bytes], status: int, code: str
) -> None:
    response = requests.post(f"{service.url}/predict", data=make(), headers={"Content-Type": "image/png"}, timeout=60)
    assert response.status_code == status, (name, response.text)
    assert response.json().get("error", {}).get("code", "") == code


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "<img src=x onerror=alert(1)>.jpg", 'a"b\\c.jpg', "\x00.jpg", "é" * 400]
)
def test_hostile_file_names_are_never_used(service: Service, name: str) -> None:
    answer = requests.post(f"{service.url}/predict", files={"image": (name, CAT)}, timeout=60)
    assert answer.status_code == 200
    page = requests.post(f"{service.url}/", files={"image": (name, CAT)}, timeout=60)
    assert page.status_code == 200
    assert "<img src=x" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy and "unsafe" not in policy
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_hostile_images_leave_the_service_as_it_was(service: Service) -> None:
    def send_everything() -> None:
        for _, make, _, _ in CASES:
            requests.post(f"{service.url}/predict", data=make(), headers={"Content-Type": "image/png"}, timeout=60)

    assert_it_stays_as_it_was(service, send_everything, most=60_000_000)
