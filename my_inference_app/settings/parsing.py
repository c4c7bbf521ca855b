"""Casts: the text of a setting becomes a typed value, or a ValueError that says what the text should be.

Lists, networks, ports, origins and keys are read here and nowhere else, and addresses to listen on in hosts.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from math import nan
from pathlib import Path

from .hosts import without_zone

Network = IPv4Network | IPv6Network

# A name ends in a label that begins with a letter: to a resolver 127.1, 0x7f.1 and 2130706433 are numbers.
HOST_NAME = r"(?:[a-z0-9_-]+\.)*[a-z][a-z0-9_-]*"
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_BASE_URL = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[!->@-~]*)?")
_DEVICE = re.compile(r"cpu|cuda(:[0-9]{1,3})?")
_KEY = re.compile(r"[!-~]+")  # visible ASCII: anything else does not survive a header unchanged
_TAKEN = ("/predict", "/invocations", "/healthz")


@dataclass(frozen=True)
class Whole:
    low: int
    high: int

    def __call__(self, text: str) -> int:
        value = int(text) if re.fullmatch(r"[+-]?[0-9]{1,18}", text) else None
        if value is None or not self.low <= value <= self.high:
            raise ValueError(f"give a whole number from {self.low} to {self.high}")
        return value


@dataclass(frozen=True)
class Number:
    low: float
    high: float

    def __call__(self, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = nan
        if not self.low <= value <= self.high:
            raise ValueError(f"give a number from {self.low:g} to {self.high:g}")
        return value


@dataclass(frozen=True)
class OneOf:
    choices: tuple[str, ...]

    def __call__(self, text: str) -> str:
        if text not in self.choices:
            raise ValueError(f"give one of {', '.join(self.choices)}")
        return text


port_number = Whole(1, 65535)


def yes_or_no(text: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.lower() not in known:
        raise ValueError("give 1 or 0")
    return known[text.lower()]


def file_path(text: str) -> Path:
    """Absolute, since nginx works in another folder. Links stay: a renewed certificate is often a new link."""
    return Path(text).absolute()


def address(text: str) -> str:
    """The path of a URL."""
    if not re.fullmatch(r"/[A-Za-z0-9/_.:-]+", text):
        raise ValueError("give a path like /vertex/predict")
    if text in _TAKEN:
        raise ValueError("this address has another meaning: choose another")
    return text


def base_url(text: str) -> str:
    """Of a service that this one contacts. It may contain no password, since it gets into messages."""
    if not _BASE_URL.fullmatch(text):
        raise ValueError("give a URL like http://localhost:4318, without a user and a password")
    return text.rstrip("/")


def ports(text: str) -> frozenset[int]:
    return frozenset(_port(item) for item in _items(text))


def networks(text: str) -> tuple[Network, ...]:
    return tuple(_network(item, strict=False) for item in _items(text))


def hosts_and_networks(text: str) -> tuple[str | Network, ...]:
    return tuple(_host_or_network(item) for item in _items(text))


def origins(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(_items(text)))  # nginx does not start when one is there twice
    if found == ("*",):
        return found
    for item in found:
        if not _ORIGIN.fullmatch(item):
            raise ValueError(f"{item!r} is not an origin: give origins like https://example.com, or `*` alone for all")
    return found


def devices(text: str) -> tuple[str, ...]:
    found = _items(text)
    for item in found:
        if not _DEVICE.fullmatch(item):
            raise ValueError(f"{item!r} is not a device: give cpu, cuda or cuda:1")
    return tuple(found)


def keys(text: str) -> tuple[bytes, ...]:
    return tuple(_key(item, f"key {number}") for number, item in enumerate(_items(text), 1))


def text_of_file(path: str) -> str:
    try:
        return Path(path).read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None


def keys_of_file(path: str) -> tuple[bytes, ...]:
    """One key a line; empty lines and comments are left out."""
    lines = [(number, line.strip()) for number, line in enumerate(text_of_file(path).splitlines(), 1)]
    found = tuple(_key(line, f"line {number} of {path}") for number, line in lines if line and not line.startswith("#"))
    if not found:
        raise ValueError(f"{path} has no keys")  # an empty file must not open the service to everybody
    return found


def _items(text: str) -> list[str]:
    items = [item.strip() for item in text.split(",")]
    if not all(items):
        raise ValueError("there is nothing before, between or after a comma")
    return items


def _port(text: str) -> int:
    try:
        return port_number(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a port from {port_number.low} to {port_number.high}") from None


def _network(text: str, *, strict: bool) -> Network:
    network = ip_network(text, strict=strict)
    without_zone(network.network_address)
    return network


def _host_or_network(text: str) -> str | Network:
    try:
        return _network(text, strict=True)
    except ValueError as error:
        if not re.fullmatch(HOST_NAME, text, re.ASCII | re.IGNORECASE):
            raise ValueError(f"{text!r} is neither a host name nor a network ({error})") from None
        return text.lower()


def _key(text: str, place: str) -> bytes:
    if not _KEY.fullmatch(text):  # the key itself must not get into a log
        raise ValueError(f"{place} contains a space or a character that is not visible ASCII")
    return text.encode()
