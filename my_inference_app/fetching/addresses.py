"""Decides where images may be fetched from: which URLs are well-formed, and which addresses are public."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network

from ..settings import Settings
from ..settings.parsing import HOST_NAME, Network

Address = IPv4Address | IPv6Address

# This one pattern parses the whole URL. If the check and the connection used different parsers, a URL that they read
# differently would bypass the check. Everything else is refused: users and passwords, fragments, backslashes, white
# space, percent signs in hosts, and characters beyond ASCII.
_URL = re.compile(
    rf"(?P<scheme>https?)://"
    rf"(?P<authority>(?:(?P<name>{HOST_NAME})|(?P<v4>[0-9.]+)|\[(?P<v6>[0-9a-f:.]+)\])(?::(?P<port>[0-9]{{1,5}}))?)"
    rf"(?P<path>[/?][!-\"$-\[\]-~]*)?",
    re.ASCII | re.IGNORECASE,
)
_DEFAULT_PORTS = {"http": 80, "https": 443}

# Contains all public IPv6 addresses. It leaves out loopback, link-local, site-local and unique local addresses,
# multicast, and every form with an IPv4 address inside (::a.b.c.d, ::ffff:a.b.c.d, 64:ff9b::/96, 64:ff9b:1::/48).
_UNICAST = IPv6Network("2000::/3")
# Python calls some of these networks public, and its own list changes from release to release.
_NOT_PUBLIC: list[Network] = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a provider's NAT; some clouds keep metadata here
        "127.0.0.0/8",
        "168.63.129.16/32",  # the host under a machine on Azure
        "169.254.0.0/16",  # link-local; the metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast and reserved
        "2001::/23",  # Teredo, with an IPv4 address inside, among others
        "2001:db8::/32",
        "2002::/16",  # 6to4, with an IPv4 address inside
        "3fff::/20",
    )
]


class Refused(Exception):
    """The reason why an image is not fetched. It is logged, and never sent to the client."""


@dataclass(frozen=True)
class Target:
    scheme: str
    authority: str
    host: str
    literal: Address | None
    port: int
    path: str

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"


def parse(url: str) -> Target:
    match = _URL.fullmatch(url)
    if not match:
        raise Refused("this is not a plain http or https URL")
    part = match.groupdict(default="")
    scheme, v4, v6 = part["scheme"].lower(), part["v4"], part["v6"]
    return Target(
        scheme,
        part["authority"].lower(),
        v4 or v6 or part["name"].lower(),
        # Strict: a ValueError for 0177.0.0.1, 127.1 and the like.
        IPv4Address(v4) if v4 else IPv6Address(v6) if v6 else None,
        int(part["port"] or _DEFAULT_PORTS[scheme]),
        part["path"] if part["path"].startswith("/") else f"/{part['path']}",
    )


def is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return address.is_global and not any(address in network for network in _NOT_PUBLIC)


class Rules:
    """The ports, host names and networks that URL_PORTS and URL_ALLOW permit."""

    def __init__(self, settings: Settings) -> None:
        self._ports = settings.url_ports
        self._names = {item for item in settings.url_allow if isinstance(item, str)}
        self._networks = [item for item in settings.url_allow if not isinstance(item, str)]

    def check_port(self, target: Target) -> None:
        if target.port not in self._ports:
            raise Refused(f"port {target.port} is not in URL_PORTS")

    def check_addresses(self, target: Target, addresses: Iterable[Address]) -> None:
        """One forbidden address is enough: the owner of the name chose them all."""
        for address in addresses:
            allowed = target.host in self._names or any(address in network for network in self._networks)
            # A % separates an address from the name of a network interface.
            if "%" in str(address) or not (allowed or is_public(address)):
                raise Refused(f"{address} is not a public address, nor in URL_ALLOW")
