"""multipart/form-data: files in the fields `image` or `file`, URLs in `url`, in the order they were sent."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from flask import Request, g
from multipart import MultipartError, MultipartParser, MultipartPart, ParserLimitReached

from ...errors import BadRequest, NoImage, PayloadTooLarge
from .upload import HOW, Upload, linked, refuse_if_empty

_FIELDS = ("image", "file")
_MOST_PARTS = 1000
_ALL = 1 << 31  # the size of the whole request is limited already
_EXTENDED_NAME = re.compile(r"""; *filename\* *= *"?([\w-]*)'[^']*'([^;" ]*)""", re.ASCII | re.IGNORECASE)


def read(request: Request) -> tuple[list[Upload], object]:
    images: list[Upload] = []
    texts: dict[str, str] = {}
    for part in _parts(request):
        name = _file_name(part)
        # A part with a file name is a file, as in every other server.
        if part.name in _FIELDS and name is not None:
            images.append(Upload(name or None, part.raw))
        elif part.name == "url" and part.raw:
            images.append(linked(part.raw.decode("utf-8", "replace")))
        elif part.name in (*_FIELDS, "top_k"):
            texts[part.name] = part.raw[:100].decode("utf-8", "replace")
    if not images:
        wrong = next((name for name in _FIELDS if name in texts), None)
        hint = f"`{wrong}` was sent as text, not as a file (curl -F {wrong}=@cat.jpg): " if wrong else ""
        raise NoImage(f"{hint or 'there is no image in the request: '}{HOW}")
    refuse_if_empty(images)
    return images, texts.get("top_k")


def text_field(request: Request, name: str) -> bytes:
    """A field of the form as it was sent; empty without the field, or without a form."""
    if request.mimetype != "multipart/form-data":
        return b""
    return next((part.raw for part in _parts(request) if part.name == name), b"")


def _parts(request: Request) -> list[MultipartPart]:
    """The parts of the form, read once. All are in memory: the size of a request is limited, and a disk can be full."""
    if "form_parts" not in g:
        g.form_parts = _parse(request)
    parts: list[MultipartPart] = g.form_parts
    return parts


def _parse(request: Request) -> list[MultipartPart]:
    """Werkzeug's own parser takes ten times as long for a photo."""
    boundary = request.mimetype_params.get("boundary", "")
    if not boundary:
        raise BadRequest("the form has no boundary in its Content-Type: let your HTTP library set this header")
    length = -1 if request.content_length is None else request.content_length
    # Headers in Latin-1 can always be decoded; _decoded() then finds out which names are UTF-8.
    limits = {"part_limit": _MOST_PARTS, "spool_limit": _ALL, "memory_limit": _ALL}
    try:
        return list(MultipartParser(request.stream, boundary, length, charset="latin-1", **limits))
    except ParserLimitReached:
        raise PayloadTooLarge(
            f"the form has more than {_MOST_PARTS} parts, or too long headers in one: send fewer fields, shorter names"
        ) from None
    except MultipartError:
        raise BadRequest(
            "the form is malformed or incomplete: build it with an HTTP library or with curl -F image=@cat.jpg"
        ) from None


def _file_name(part: MultipartPart) -> str | None:
    if part.filename is not None:
        return _decoded(part.filename.encode("latin-1"))
    extended = _EXTENDED_NAME.search(part.disposition)
    if not extended:
        return None
    charset, name = extended.groups()
    data = unquote_to_bytes(name.encode("latin-1"))
    return data.decode("latin-1") if charset.lower() == "iso-8859-1" else _decoded(data)


def _decoded(name: bytes) -> str:
    """A name in UTF-8, or else in Latin-1, in which every byte is a character."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("latin-1")
