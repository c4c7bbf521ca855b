"""JSON: `image` is one base64 string or a list of them, `url` one URL or a list."""

from __future__ import annotations

import json
from base64 import b64decode

from flask import Request

from ...errors import BadRequest, NoImage
from .raw_body import content
from .upload import HOW, Upload, linked, refuse_if_empty


def read(request: Request) -> tuple[list[Upload], object]:
    body = parse(content(request))
    if not isinstance(body, dict):
        raise BadRequest('the JSON must be an object: {"image": "<base64>"}')
    texts, urls = _strings(body, "image"), _strings(body, "url")
    if not texts and not any(urls):
        raise NoImage(f"there is no `image` in the JSON: {HOW}")
    if not all(urls):
        raise BadRequest("a `url` is empty: give the URL of an image")
    images = [
        Upload(None, base64_bytes(text, f"`image` number {number}")) for number, text in enumerate(texts, start=1)
    ]
    images.extend(map(linked, urls))
    refuse_if_empty(images)
    return images, body.get("top_k")


def parse(data: bytes) -> object:
    """The value of a JSON text, or an error that says where the text is wrong."""
    if not data:
        raise BadRequest("the JSON body is empty")
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadRequest(f"the JSON is not valid UTF-8: byte {error.start + 1} cannot be decoded") from None
    except json.JSONDecodeError as error:
        raise BadRequest(f"the JSON is malformed at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise BadRequest("the JSON is nested too deeply") from None
    except ValueError:  # Python limits the digits of a number
        raise BadRequest("a number in the JSON has too many digits") from None


def _strings(body: dict[str, object], name: str) -> list[str]:
    """One string or a list of them, as a list."""
    value = body.get(name)
    if value is None:
        return []
    values = value if isinstance(value, list) else [value]
    strings = [item for item in values if isinstance(item, str)]
    if len(strings) < len(values):
        raise BadRequest(f"`{name}` must be a string or a list of strings")
    return strings


def base64_bytes(text: str, name: str) -> bytes:
    """The file in a base64 text or in a data: URL. Errors call it by the name."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise BadRequest(f"{name} is not valid base64: encode the bytes of the image file") from None
