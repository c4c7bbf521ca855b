"""Casts: which texts are accepted, what they become, and which are refused."""

# ruff: noqa: RUF001, S104

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest

from my_inference_app.settings import hosts, parsing
from my_inference_app.settings.hosts import bracketed, overlap, reachable
from my_inference_app.settings.parsing import Number, OneOf, Whole

Parse = Callable[[str], object]


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (Whole(0, 9), "+7", 7),
        (Number(0, 9), "2.5", 2.5),
        (Number(0, 9), "1e-1", 0.1),
        (OneOf(("a", "b")), "b", "b"),
        *[(parsing.yes_or_no, text, True) for text in ("1", "true", "True", "yes", "YES")],
        *[(parsing.yes_or_no, text, False) for text in ("0", "false", "FALSE", "no")],
        (hosts.host, "*", "0.0.0.0"),
        (hosts.host, "localhost", "127.0.0.1"),
        (hosts.host, "127.0.0.2", "127.0.0.2"),
        (hosts.host, "::1", "::1"),
        (hosts.host, "[::1]", "::1"),
        (hosts.host, "[::]", "::"),
        (hosts.host, "2001:DB8:0:0::1", "2001:db8::1"),
        (parsing.address, "/v1/endpoints/1:predict", "/v1/endpoints/1:predict"),
        (parsing.file_path, "/etc/cert.pem", Path("/etc/cert.pem")),
        (parsing.file_path, "cert.pem", Path.cwd() / "cert.pem"),
        (parsing.ports, "8080, 1,65535,1", frozenset({1, 8080, 65535})),
        (parsing.networks, "10.1.2.3/8, ::1 ,192.0.2.7", tuple(map(ip_network, ("10.0.0.0/8", "::1", "192.0.2.7")))),
        (
            parsing.hosts_and_networks,
            "images.Internal, 10.1.0.0/16,localhost",
            ("images.internal", ip_network("10.1.0.0/16"), "localhost"),
        ),
        (parsing.origins, "*", ("*",)),
        (parsing.origins, "*,*", ("*",)),
        (parsing.origins, "http://localhost:3000 , https://a.b", ("http://localhost:3000", "https://a.b")),
        (parsing.origins, "http://[::1]:8080,capacitor://localhost", ("http://[::1]:8080", "capacitor://localhost")),
        (parsing.origins, "https://a.b , http://c:1,https://a.b", ("https://a.b", "http://c:1")),
        (parsing.devices, "cuda:0,cuda:1 , cpu,cuda", ("cuda:0", "cuda:1", "cpu", "cuda")),
        (parsing.keys, "one, t=w/o+.~", (b"one", b"t=w/o+.~")),
    ],
)
def test_text_becomes_typed_value(parse: Parse, text: str, value: object) -> None:
    found = parse(text)
    assert found == value
    assert type(found) is type(value)


LISTS: list[Parse] = [
    parsing.ports, parsing.networks, parsing.hosts_and_networks, parsing.origins, parsing.devices, parsing.keys
]  # fmt: skip


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        *[(Whole(1, 9), text) for text in ("", "0", "10", "-1", "1.5", "0x5", "1_0", "５", "9" * 5000)],
        *[(Number(1, 9), text) for text in ("", "0.9", "9.1", "nan", "inf", "30s")],
        *[(OneOf(("a", "b")), text) for text in ("c", "A", "a,b")],
        *[(parsing.yes_or_no, text) for text in ("2", "on", "y")],
        *[
            (hosts.host, text)
            for text in ("example.com", "127.0.0.1:80", "[127.0.0.1]", "[::1", "127.1", "[::1]:80", "fe80::1%lo", "**")
        ],
        *[(parse, text) for parse in LISTS for text in (",", " , ,", ",80", "cpu,", "a,,b")],
        *[(parsing.ports, text) for text in ("http", "0", "65536", "80-90", "80;443", "-1", "８０", "99999999999")],
        *[(parsing.networks, text) for text in ("proxy", "10.0.0.0/8 ::1", "10.0.0.0/33", "10.0.0.1;", "fe80::1%lo")],
        *[
            (parsing.hosts_and_networks, text)
            for text in ("10.0.0.1/8", "10.0.0.0/33", "10.0.0", "http://x", "a b", "*", "x/8", "ä")
        ],
        *[
            (parsing.origins, text)
            for text in (
                "example.com",
                "https://example.com/",
                "https://example.com/path",
                "https://Example.com",
                "https://*.example.com",
                "*, https://example.com",
                "https://a.b https://c.d",
                "https://a.b\nhttps://c.d",
                "https://user@a.b",
                "https://a.b:port",
                "null",
                'https://a";',
                "https://a;}",
                "https://a$host",
                "https://a|b",
            )
        ],
        *[
            (parsing.address, text)
            for text in ("vertex", "/", "/a b", "/a?b", "/a|b", "/{x}", "/predict", "/ä", "/a\n")
        ],
        *[(parsing.devices, text) for text in ("gpu", "cuda:x", "cuda:", "cpu:0")],
        *[(parsing.keys, text) for text in ("two words", "schlüssel", "\ufeffone", "tab\tbed")],
    ],
)
def test_bad_text_is_refused(parse: Parse, text: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        parse(text)


def test_bad_key_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match=r"^key 2 contains a space") as caught:
        parsing.keys("good, se cret")
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("content", ["one\n two \n", "\ufeffone\r\ntwo", "# a comment\n\none\n  # another\ntwo"])
def test_key_file_has_one_key_a_line(tmp_path: Path, content: str) -> None:
    file = tmp_path / "keys"
    file.write_text(content, "utf-8")
    assert parsing.keys_of_file(str(file)) == (b"one", b"two")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "{} cannot be read: No such file or directory"),
        (b"", "{} has no keys"),
        (b"\n \n", "{} has no keys"),
        (b"\xef\xbb\xbf", "{} has no keys"),
        (b"# nothing but a comment", "{} has no keys"),
        (b"one\nse cret # comment", "line 2 of {} contains a space or a character that is not visible ASCII"),
        (b"secret\xe9", "{} is not UTF-8 text"),
        ("secret".encode("utf-16"), "{} is not UTF-8 text"),
    ],
)
def test_key_file_without_usable_keys_is_refused(tmp_path: Path, content: bytes | None, reason: str) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{reason.format(file)}$"):
        parsing.keys_of_file(str(file))


@pytest.mark.parametrize(
    ("host", "written", "answers_at"),
    [
        ("127.0.0.2", "127.0.0.2", "127.0.0.2"),
        ("0.0.0.0", "0.0.0.0", "127.0.0.1"),
        ("*", "*", "127.0.0.1"),
        ("::1", "[::1]", "::1"),
        ("::", "[::]", "::1"),
        ("2001:db8::1", "[2001:db8::1]", "2001:db8::1"),
    ],
)
def test_host_is_written_and_reached(host: str, written: str, answers_at: str) -> None:
    assert (bracketed(host), reachable(host)) == (written, answers_at)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("127.0.0.1", "0.0.0.0", True),
        ("127.0.0.1", "::1", False),
        ("0.0.0.0", "::1", False),
        ("::1", "::", True),
        ("127.0.0.1", "::", True),
    ],
)
def test_overlap_of_addresses(first: str, second: str, expected: bool) -> None:
    assert overlap(first, second) is overlap(second, first) is expected
