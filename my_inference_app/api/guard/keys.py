"""Refuses requests without a key, where keys are set."""

from __future__ import annotations

import hmac

from flask import current_app, request

from ...errors import Unauthorized


def refuse_without_key() -> None:
    keys: tuple[bytes, ...] = current_app.extensions["settings"].keys
    if not keys:
        return
    given = _given_key()
    # Compares with all keys, each in constant time: the duration must not give a key away.
    if sum(hmac.compare_digest(given, key) for key in keys) == 0:
        raise Unauthorized("this service needs a key: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`")


def _given_key() -> bytes:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key", "")
    return key.encode("latin-1", "replace")  # the bytes that were sent
