"""Refuses requests without a key, where keys are set."""

from __future__ import annotations

import hmac

from flask import Request, g, request

from ...errors import Unauthorized
from ..context import settings
from ..input.multipart_form import text_field


def refuse_without_key() -> None:
    keys = settings().keys
    # nginx serves the static files, which hold nothing secret, without a key too.
    if keys and request.endpoint not in ("static", "static_files.file"):
        given = given_key(request)
        # Compares with all keys, each in constant time: the duration must not give a key away.
        if sum(hmac.compare_digest(given, key) for key in keys) == 0:
            raise Unauthorized("this service needs a key: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`")
    g.key_accepted = True  # without it the page shows its form only


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
