"""Who may use the service, where keys are set."""

from __future__ import annotations

import hmac
from pathlib import Path

from flask import current_app, request

from ...errors import SettingError, Unauthorized
from ...settings import Settings


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
    keys: tuple[bytes, ...] = current_app.extensions["api_keys"]
    if not keys:
        return
    given = _given_key()
    # All of them are compared, each in constant time: how long it takes says nothing about the keys.
    if sum(hmac.compare_digest(given, key) for key in keys) == 0:
        raise Unauthorized("this service takes a key: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`")


def _given_key() -> bytes:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key", "")
    return key.encode("latin-1", "replace")  # the bytes that were sent
