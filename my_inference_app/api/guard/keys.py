"""Requires one of the API keys, if any are set."""

from __future__ import annotations

import hmac
from pathlib import Path

from flask import Request, g, request

from ...errors import SettingError, Unauthorized
from ...settings import Settings
from ..admission import PROBES
from ..context import api_keys
from ..input.multipart_form import text_field


def read_keys(settings: Settings) -> tuple[bytes, ...]:
    """The keys of API_KEYS and API_KEYS_FILE; none means that everybody may."""
    texts = settings.api_keys.split(",")
    if settings.api_keys_file:
        try:
            texts += Path(settings.api_keys_file).read_text("utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise SettingError(f"API_KEYS_FILE={settings.api_keys_file} cannot be read: {error}") from None
    keys = tuple(text.strip().encode() for text in texts if text.strip())
    if settings.api_keys_file and not keys:
        # An empty file must not open the service to everybody.
        raise SettingError(f"API_KEYS_FILE={settings.api_keys_file} has no keys in it")
    return keys


def refuse_without_key() -> None:
    keys = api_keys()
    # nginx serves the static files, which hold nothing secret, without a key too.
    if keys and request.path not in PROBES and request.endpoint != "static":
        given = given_key(request)
        # Each key is compared, and in constant time: the time that this takes says nothing about the keys.
        if sum(hmac.compare_digest(given, key) for key in keys) == 0:
            raise Unauthorized("this service needs a key: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`")
    g.key_accepted = True  # the page shows nothing but its form without it


def given_key(request: Request) -> bytes:
    """The bytes of the key in the headers or, if they have none, in the form of the page."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key", "")
    if not key and request.endpoint == "page.upload":
        return text_field(request, "api_key").strip()
    return key.encode("latin-1", "replace")
