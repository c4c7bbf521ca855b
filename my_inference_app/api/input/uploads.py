"""Turns any form of request into the bytes of pictures."""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass
from urllib.parse import parse_qsl

from flask import Request
from multipart import MultipartError, MultipartParser, MultipartPart, ParserLimitReached

from ...errors import BadRequest, NoImage, PayloadTooLarge
from ...inference.images.decode import looks_like_image

_FIELDS = ("image", "file")
_MOST_PARTS = 1000
_ALL = 1 << 31  # the request as a whole is limited already
_URLENCODED = "application/x-www-form-urlencoded"
_LONGEST_URL = 4096
_LONGEST_FORM_OF_URLS = 1 << 17
_HOW = 'send one as the multipart field `image`, as the raw request body, or as JSON {"image": "<base64>"}'


@dataclass(frozen=True)
class Upload:
    filename: str | None
    data: bytes
    url: str = ""
    """Where the picture is, if it was not sent itself."""


@dataclass(frozen=True)
class Uploads:
    images: list[Upload]
    top_k: int


def read(request: Request, max_images: int) -> Uploads:
    if linked := [_linked(url) for url in request.args.getlist("url") if url]:
        if request.get_data(cache=False):
            raise BadRequest("with `?url=` the body must be empty: send the picture or its URL")
        images, top_k = linked, None
    elif request.is_json:
        images, top_k = _from_json(request)
    elif request.mimetype == "multipart/form-data":
        images, top_k = _from_form(request)
    else:
        images, top_k = _from_body(request)
    if len(images) > max_images:
        raise BadRequest(f"{len(images)} pictures in one request: send {max_images} at most")
    return Uploads(images, _top_k(request.args.get("top_k", top_k)))


def _linked(url: str) -> Upload:
    if len(url) > _LONGEST_URL:
        raise BadRequest(f"a URL of {len(url)} characters: {_LONGEST_URL} are allowed")
    return Upload(url, b"", url)


def _from_form(request: Request) -> tuple[list[Upload], object]:
    images: list[Upload] = []
    texts: dict[str, str] = {}
    for part in _parts(request):
        # A file is what has a file name, as with every server's forms.
        if part.name in _FIELDS and part.filename is not None:
            images.append(Upload(part.filename or None, part.raw))
        elif part.name == "url" and part.raw:
            images.append(_linked(part.raw.decode("utf-8", "replace")))
        elif part.name in (*_FIELDS, "top_k"):
            texts[part.name] = part.raw[:100].decode("utf-8", "replace")
    if images and not any(image.data or image.url for image in images):
        raise NoImage(f"the uploaded file is empty: {_HOW}")
    if not images:
        wrong = next((name for name in _FIELDS if name in texts), None)
        hint = f"`{wrong}` was sent as text, not as a file (curl -F {wrong}=@cat.jpg): " if wrong else ""
        raise NoImage(f"{hint or 'there is no picture in the request: '}{_HOW}")
    return images, texts.get("top_k")


def _parts(request: Request) -> list[MultipartPart]:
    """The parts of a form, all in memory: the size of a request is limited, and a disk can be full.

    Werkzeug's own parser takes ten times as long for a photo.
    """
    boundary = request.mimetype_params.get("boundary", "")
    length = -1 if request.content_length is None else request.content_length
    stream = request.stream
    try:
        parser = MultipartParser(stream, boundary, length, part_limit=_MOST_PARTS, spool_limit=_ALL, memory_limit=_ALL)
        return list(parser)
    except ParserLimitReached as error:
        raise PayloadTooLarge(f"the form has too many or too large parts: {error}") from None
    except MultipartError as error:
        raise BadRequest(f"the form cannot be read: {error}") from None


def _data(request: Request) -> bytes:
    data = request.get_data()
    environ = request.environ
    # Werkzeug cuts a body that came without a length off at the limit, and says nothing.
    if request.content_length is None and environ.get("wsgi.input_terminated") and environ["wsgi.input"].read(1):
        raise PayloadTooLarge("the request is too large: send fewer or smaller pictures")
    return data


def _from_body(request: Request) -> tuple[list[Upload], object]:
    data = _data(request)
    # `curl --data-binary @cat.jpg` calls its picture a form unless told otherwise.
    if data and (request.mimetype != _URLENCODED or looks_like_image(data)):
        return [Upload(None, data)], None
    fields = parse_qsl(data.decode("latin-1")) if len(data) <= _LONGEST_FORM_OF_URLS else []
    urls = [value for name, value in fields if name == "url"]
    if not urls:
        raise NoImage(f"there is no picture in the request: {_HOW}")
    return [_linked(url) for url in urls], dict(fields).get("top_k")


def _from_json(request: Request) -> tuple[list[Upload], object]:
    _data(request)
    try:
        body = request.get_json()
    except RecursionError:
        raise BadRequest("the JSON is nested too deeply") from None
    if not isinstance(body, dict):
        raise BadRequest('the JSON must be an object: {"image": "<base64>"}')
    text, urls = body.get("image"), body.get("url") or []
    urls = [urls] if isinstance(urls, str) else urls
    if text is None and not urls:
        raise NoImage(f"there is no `image` in the JSON: {_HOW}")
    if not isinstance(text, str | None):
        raise BadRequest("`image` must be a base64 string")
    if not isinstance(urls, list) or not all(isinstance(url, str) and url for url in urls):
        raise BadRequest("`url` must be a string or a list of strings")
    sent = [] if text is None else [Upload(None, _base64(text))]
    return [*sent, *map(_linked, urls)], body.get("top_k")


def _base64(text: str) -> bytes:
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        data = b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("`image` is not valid base64") from None
    if not data:
        raise NoImage(f"`image` is empty: {_HOW}")
    return data


def _top_k(value: object) -> int:
    if value is None:
        return 5
    text = str(value)
    if text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= 1000:
        return int(text)
    raise BadRequest("top_k must be a whole number from 1 to 1000")
