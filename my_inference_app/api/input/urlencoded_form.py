"""A form without files: URLs of images, or an image that was labelled as a form by mistake."""

from __future__ import annotations

from urllib.parse import parse_qsl

from flask import Request

from ...errors import NoImage
from ...inference.images.decode import looks_like_image
from .raw_body import content
from .upload import HOW, Upload, linked

_LONGEST_FORM = 1 << 17


def read(request: Request) -> tuple[list[Upload], object]:
    data = content(request)
    # `curl --data-binary @cat.jpg` labels its body as a form unless it is told otherwise.
    if looks_like_image(data):
        return [Upload(None, data)], None
    fields = parse_qsl(data.decode("latin-1")) if len(data) <= _LONGEST_FORM else []
    urls = [value for name, value in fields if name == "url"]
    if not urls:
        raise NoImage(f"there is no image in the request: {HOW}")
    return [linked(url) for url in urls], dict(fields).get("top_k")
