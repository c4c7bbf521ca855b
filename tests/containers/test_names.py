"""The tests' own DNS server speaks the protocol."""

from __future__ import annotations

import struct

from tests.containers.names import answer

QUESTION = b"\x03app\x00\x00\x01\x00\x01"
QUERY = b"\x12\x34\x01\x00" + struct.pack(">HHHH", 1, 0, 0, 0) + QUESTION


def test_known_name_has_its_addresses() -> None:
    found = answer(QUERY, {"app": ["198.18.0.2", "198.18.0.3"]})
    assert found[:12] == b"\x12\x34" + struct.pack(">HHHHH", 0x8580, 1, 2, 0, 0)
    assert found[12:].startswith(QUESTION)
    assert found.endswith(bytes([198, 18, 0, 3]))


def test_unknown_name_is_an_error() -> None:
    assert answer(QUERY, {})[2:4] == struct.pack(">H", 0x8583)


def test_other_kind_of_a_known_name_has_no_address() -> None:
    assert answer(QUERY.replace(b"\x00\x01\x00\x01", b"\x00\x1c\x00\x01"), {"app": ["198.18.0.2"]})[6:8] == b"\0\0"
