"""Refuses to teach without the right to: a key of TEACH_KEYS or, where there are none, a client on this machine."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from flask import Request, request

from ...errors import Forbidden, Unauthorized
from ..context import settings
from .keys import given_key, is_one_of


def refuse_without_right() -> None:
    keys = settings().teaching_keys
    if not keys:
        _refuse_others(request)
        return
    given = given_key(request)
    if is_one_of(keys, given):
        return
    if is_one_of(settings().keys, given):
        raise Forbidden("this key may predict and not teach: use one of TEACH_KEYS")
    raise Unauthorized(
        "teaching needs a key: send one of TEACH_KEYS as `Authorization: Bearer KEY` or `X-API-Key: KEY`"
    )


def _refuse_others(request: Request) -> None:
    """All proxies in front of this service must have been asked by this machine, and so must the page that asks."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    addresses = [request.remote_addr or "", *filter(None, map(str.strip, forwarded.split(",")))]
    if not all(map(_is_loopback, addresses)):
        raise Forbidden(
            "without TEACH_KEYS only clients on this machine may teach: set TEACH_KEYS, and send one of them"
        )
    # Another page in a browser on this machine, or a name that was made to lead here, is not this machine.
    origin = request.headers.get("Origin")
    if not _is_local_name(f"//{request.host}") or (origin and urlsplit(origin).netloc != request.host):
        raise Forbidden(
            "without TEACH_KEYS only this machine's own page and programs may teach, at localhost or 127.0.0.1: set "
            "TEACH_KEYS, and send one of them"
        )


def _is_local_name(address: str) -> bool:
    try:
        name = urlsplit(address).hostname or ""
    except ValueError:
        return False
    return name == "localhost" or _is_loopback(name)


def _is_loopback(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
