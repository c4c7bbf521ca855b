"""Refuses requests without a key, where keys are set."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from flask import Request, g, request

from ...errors import Unauthorized
from .. import browser
from ..context import settings
from ..input.multipart_form import text_field

# nginx serves the static files, which hold nothing secret, without a key too. The page to teach on is as empty.
_OPEN = ("static", "static_files.file")
_PAGE = "teach_page.page"


def refuse_without_key() -> None:
    keys = settings().keys
    # A key that may teach may do all else too.
    is_open = request.endpoint in _OPEN or (request.endpoint == _PAGE and browser.asks(request))
    if keys and not is_open and not is_one_of(keys + settings().teaching_keys, given_key(request)):
        raise Unauthorized("this service needs a key: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`")
    g.key_accepted = True  # without it the page shows its form only


def is_one_of(keys: Sequence[bytes], given: bytes) -> bool:
    """Compares with all keys, each in constant time: the duration must not give a key away."""
    return sum(hmac.compare_digest(given, key) for key in keys) > 0


def given_key(request: Request) -> bytes:
    """The bytes of the key in the headers or, if they have none, in the form of the page."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key", "") or _password(request)
    if not key and request.endpoint == "page.upload":
        return text_field(request, "api_key").strip()
    return key.encode("latin-1", "replace")


def _password(request: Request) -> str:
    """Of basic authentication: some clients can send a key in no other way."""
    given = request.authorization
    return given.password or "" if given and given.type == "basic" else ""
