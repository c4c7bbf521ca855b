"""An image as the body of a request, whatever media type the request names."""

from __future__ import annotations

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from ...errors import NoImage
from .upload import HOW, Upload


def read(request: Request) -> tuple[list[Upload], object]:
    data = content(request)
    if not data:
        raise NoImage(f"there is no image in the request: {HOW}")
    return [Upload(None, data)], None


def content(request: Request) -> bytes:
    data = request.get_data()
    environ = request.environ
    # Werkzeug silently truncates a body without a Content-Length at the limit.
    if request.content_length is None and environ.get("wsgi.input_terminated") and environ["wsgi.input"].read(1):
        raise RequestEntityTooLarge
    return data
