"""Reads the images and options of any request. A new form of request is one module and one line in the table."""

from __future__ import annotations

from collections.abc import Callable

from flask import Request

from ...errors import BadRequest
from . import json_body, multipart_form, raw_body, urlencoded_form
from .upload import Upload, Uploads, linked, read_top_k

# Each reader returns the images, and `top_k` as it was sent.
_Reader = Callable[[Request], tuple[list[Upload], object]]
_READERS: dict[str, _Reader] = {
    "application/json": json_body.read,
    "multipart/form-data": multipart_form.read,
    "application/x-www-form-urlencoded": urlencoded_form.read,
}


def read(request: Request, max_images: int) -> Uploads:
    images, top_k = _reader(request)(request)
    if len(images) > max_images:
        raise BadRequest(f"{len(images)} images in one request: send {max_images} at most")
    return Uploads(images, read_top_k(request.args.get("top_k", top_k)))


def _reader(request: Request) -> _Reader:
    if any(request.args.getlist("url")):
        return _read_query
    # application/problem+json and the like are JSON too.
    media_type = "application/json" if request.is_json else request.mimetype
    return _READERS.get(media_type, raw_body.read)


def _read_query(request: Request) -> tuple[list[Upload], object]:
    if request.get_data(cache=False):
        raise BadRequest("with `?url=` the body must be empty: send the image or its URL")
    return [linked(url) for url in request.args.getlist("url") if url], None
