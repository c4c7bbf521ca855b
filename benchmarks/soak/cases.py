"""The requests of the soak, with the responses expected."""

from __future__ import annotations

import io
import json
import random
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from PIL import Image

from my_inference_app.settings import PROJECT, Settings

SAMPLES = PROJECT / "post_request"
# Correct classes of ImageNet: cats, and cups of coffee.
CAT = frozenset({281, 282, 285})
COFFEE = frozenset({504, 967, 968})
LIMIT = Settings.max_upload_mb * 1024 * 1024
_BOUNDARY = "the-boundary-of-the-soak"


@dataclass(frozen=True)
class Case:
    name: str
    body: bytes = b""
    kind: str = "application/octet-stream"
    method: str = "POST"
    path: str = "/predict"
    status: int = 200
    code: str = ""
    """The code of the expected error, if one is expected."""
    labels: tuple[frozenset[int] | None, ...] = ()
    """The correct classes of each image; None for an image that is refused."""
    chunked: bool = False
    share: int = 10

    def chunks(self) -> Iterable[bytes]:
        return (self.body[start : start + 65536] for start in range(0, len(self.body), 65536))


def every() -> list[Case]:
    return [*good(), *bad(), *probes()]


@cache  # encoding the large images takes seconds
def good() -> tuple[Case, ...]:
    cat, coffee = (SAMPLES / "cat.jpg").read_bytes(), (SAMPLES / "coffee.jpg").read_bytes()
    encoded = json.dumps({"image": b64encode(coffee).decode(), "top_k": 3}).encode()
    return (
        Case("JPEG as the body", cat, labels=(CAT,), share=60),
        form("JPEG in a form", (cat,), (CAT,), share=60),
        Case("JPEG in JSON", encoded, "application/json", labels=(COFFEE,), share=20),
        Case("JPEG in chunks", coffee, labels=(COFFEE,), chunked=True, share=20),
        *(Case(f"{name} as the body", image("coffee.jpg", name), labels=(COFFEE,)) for name in ("WEBP", "GIF")),
        *(Case(f"{name} as the body", image("cat.jpg", name), labels=(CAT,)) for name in ("PNG", "BMP")),
        form("three in a form, one of them text", (cat, b"no image " * 9, coffee), (CAT, None, COFFEE)),
        Case("12 megapixels, JPEG", image("coffee.jpg", "JPEG", (4000, 3000)), labels=(COFFEE,), share=3),
        Case("12 megapixels, WebP", image("coffee.jpg", "WEBP", (4000, 3000)), labels=(COFFEE,), share=1),
    )


def bad() -> list[Case]:
    cat = (SAMPLES / "cat.jpg").read_bytes()
    wide = encode(Image.new("1", (9000, 6000)), "PNG")
    over = b"\xff" * (LIMIT + 1)
    return [
        Case("nothing", status=400, code="no_image"),
        Case("text", b"no image at all " * 9, status=415, code="unsupported_format"),
        Case("half an image", cat[: len(cat) // 2], status=422, code="image_undecodable"),
        Case("54 megapixels", wide, status=422, code="image_too_large", share=3),
        Case("too many predictions", cat, path="/predict?top_k=1001", status=400, code="bad_request"),
        Case("broken JSON", b'{"image": ', "application/json", status=400, code="bad_request"),
        Case("a form without its end", b"--x\r\n", "multipart/form-data; boundary=x", status=400, code="bad_request"),
        Case("a wrong method", method="GET", status=405, code="method_not_allowed"),
        Case("a wrong address", method="GET", path="/nothing", status=404, code="not_found"),
        Case("more than the limit", over, status=413, code="payload_too_large", share=1),
        Case("more than the limit, in chunks", over, status=413, code="payload_too_large", chunked=True, share=1),
    ]


def probes() -> list[Case]:
    return [Case(path, method="GET", path=path, share=5) for path in ("/healthz", "/readyz", "/")]


def form(name: str, files: tuple[bytes, ...], labels: tuple[frozenset[int] | None, ...], share: int = 10) -> Case:
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'.encode()
    body = b"".join(head + file + b"\r\n" for file in files) + f"--{_BOUNDARY}--\r\n".encode()
    return Case(name, body, f"multipart/form-data; boundary={_BOUNDARY}", labels=labels, share=share)


def image(name: str, format: str, size: tuple[int, int] = (640, 480)) -> bytes:
    return encode(Image.open(SAMPLES / name).convert("RGB").resize(size, Image.Resampling.LANCZOS), format)


def encode(image: Image.Image, format: str) -> bytes:
    file = io.BytesIO()
    image.save(file, format)
    return file.getvalue()


def shuffled(cases: Sequence[Case], chance: random.Random) -> list[Case]:
    """A round of one client: each case once, and as many again, drawn by their shares."""
    drawn = [*cases, *chance.choices(cases, [case.share for case in cases], k=len(cases))]
    chance.shuffle(drawn)
    return drawn
