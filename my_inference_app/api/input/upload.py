"""What every form of request is read into: images, or URLs of images, and options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import BadRequest, NoImage

HOW = 'send one as the multipart field `image`, as the raw request body, or as JSON {"image": "<base64>"}'
_LONGEST_URL = 4096
_DEFAULT_TOP_K = 5


@dataclass(frozen=True)
class Upload:
    filename: str | None
    data: bytes
    url: str = ""
    """Where the image is, if the request does not contain it."""


@dataclass(frozen=True)
class Uploads:
    images: list[Upload]
    top_k: int


def linked(url: str) -> Upload:
    if len(url) > _LONGEST_URL:
        raise BadRequest(f"a URL has {len(url)} characters: {_LONGEST_URL} are allowed")
    return Upload(url, b"", url)


def refuse_if_empty(images: Sequence[Upload]) -> None:
    """Of several images some may be empty: each of them gets an error of its own."""
    if not any(image.data or image.url for image in images):
        raise NoImage(f"the image is empty: {HOW}")


def read_top_k(value: object) -> int:
    if value is None:
        return _DEFAULT_TOP_K
    text = str(value)
    if text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= 1000:
        return int(text)
    raise BadRequest("top_k must be a whole number from 1 to 1000")
