"""Addresses that a server listens on."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

_EVERY_IPV4 = "0.0.0.0"  # noqa: S104 - to recognise it
_EVERY_IPV6 = "::"


def host(text: str) -> str:
    """An address to listen on, as ipaddress writes it; `*` becomes the address that stands for all of IPv4."""
    names = {"*": _EVERY_IPV4, "localhost": "127.0.0.1"}
    bare = text[1:-1] if re.fullmatch(r"\[.*:.*\]", text) else text
    try:
        return names.get(text) or str(without_zone(ip_address(bare)))
    except ValueError:
        raise ValueError("it is not an address: give one like 127.0.0.1 or ::1, `*` for all, or localhost") from None


def bracketed(host: str) -> str:
    """As an address stands before a port, in URLs and in the configuration of nginx and gunicorn."""
    return f"[{host}]" if ":" in host else host


def reachable(host: str) -> str:
    """The address at which a listener on this one answers local clients."""
    return {_EVERY_IPV4: "127.0.0.1", "*": "127.0.0.1", _EVERY_IPV6: "::1"}.get(host, host)


def overlap(first: str, second: str) -> bool:
    """Whether one port cannot be bound on both addresses. `::` usually takes IPv4 in, too."""
    if first == second or _EVERY_IPV6 in (first, second):
        return True
    return _EVERY_IPV4 in (first, second) and ":" not in first + second


def without_zone(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv6Address) and address.scope_id:
        raise ValueError("an address with a zone (%) is not supported")
    return address
