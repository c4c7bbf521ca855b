"""Which URLs and addresses are accepted, and which are refused."""

# ruff: noqa: RUF001

from __future__ import annotations

from ipaddress import ip_address

import pytest

from my_inference_app.fetching.addresses import Refused, Rules, is_public, parse
from my_inference_app.settings import Settings

PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.254
168.63.129.16 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.170 192.0.0.192 192.0.2.1
192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1
255.255.255.255 :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:8.8.8.8 64:ff9b::127.0.0.1
64:ff9b::8.8.8.8 64:ff9b:1::1 100::1 2001::1 2001:0:7f00:1:: 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002::1
2002:7f00:1:: 2002:808:808:: 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fdff::1 fe80::1 fe80::1%eth0 fec0::1
feff::1 ff02::1 ff0e::1 ffff::1
"""
PUBLIC = """
1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.15.0.1 172.32.0.1 192.0.1.1 223.255.255.1
2001:200::1 2001:4860:4860::8888 2606:4700::1111 2a00:1450:4001::200e 2003::1
"""

NO_URLS = [
    *["", " ", "cat.jpg", "//a.test/", "a.test", "http:", "http://", "http:///x", "http:/a.test", "https:a.test"],
    *["ftp://a.test/", "file:///etc/passwd", "gopher://a.test/", "data:image/png;base64,AA==", "jar:http://a.test"],
    *["unix:///run/docker.sock", "dict://a.test:11211/", "httpss://a.test/", "http+unix://a.test/"],
    # Users, fragments and other parts that parsers read in different ways.
    *["http://good@127.0.0.1/", "http://user:word@a.test/", "http://@a.test/", "http://good:80@127.0.0.1/"],
    *["http://127.0.0.1#@good/", "http://good#@127.0.0.1/", "http://a.test/#x", "http://good\\@127.0.0.1/"],
    *["http:\\\\a.test", "http://a.test\\x", "http://good;@127.0.0.1", "http://a.test/\\..\\x", "http://a.test;/"],
    # White space and control characters.
    *["http://a.test/a b", " http://a.test/", "http://a.test/ ", "http://a.test/\n", "ht\ttp://a/", "http://a.test/\0"],
    *["http://exam\nple.com/", "http://a.test/\r\nHost: x", "http://a.test\t/", "http://a.test/\x7f"],
    *["http://127.0.0.1\x00.a.test/", "http://127.0.0.1 .a.test/", "http://127.0.0.1\n", "http://a.test\r\n"],
    # Odd hosts.
    *["http://a.test./", "http://127.0.0.1./", "http://.a.test/", "http://a..test/", "http://-/", "http://*.test/"],
    *["http://%61.test/", "http://%31%32%37.0.0.1/", "http://127.0.0.1%2f@a.test/", "http://127.0.0.1%00.a.test/"],
    *["http://2130706433/", "http://0177.0.0.1/", "http://0x7f.1/", "http://0x7f000001/", "http://0x7f.0.0.0x1/"],
    *["http://127.1/", "http://127.0.1/", "http://0/", "http://010.8.8.8/", "http://256.0.0.1/", "http://1.2.3.4.5/"],
    *["http://127.0.0.1e/", "http://017700000001/", "http://127.0.0.01/", "http://127.0.0.0x1/", "http://1.2.3/"],
    # Characters beyond ASCII, and those that normalise to ASCII.
    *["http://127。0。0。1/", "http://127．0．0．1/", "http://１２７.0.0.1/", "http://①②⑦.0.0.1/", "http://١٢٧.0.0.1/"],
    *["http://ä.test/", "http://ａ.test/", "http://a。test/", "http://\u212a.com/", "http://\u017f.com/"],
    *[
        "http://a.test/ä",
        "http://a.test/\ud800",
        "http://a\u00ad.test/",
        "http://\u200ba.test/",
        "http://a.test/\u2028",
    ],
    # IPv6.
    *["http://::1/", "http://[::1/", "http://[]/", "http://[::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[::1]x/"],
    *[
        "http://[::g]/",
        "http://[v1.x]/",
        "http://[:::1]/",
        "http://[::1].test/",
        "http://[::127.1]/",
        "http://[1.2.3.4]/",
    ],
    # Ports.
    *["http://a.test:/", "http://a.test:-1/", "http://a.test:80a/", "http://a.test:８０/", "http://a.test:080000/"],
    *["http://a.test:80:80/", "http://a.test: 80/", "http://a.test:+80/", "http://[::1]:/"],
]


@pytest.mark.parametrize("text", PRIVATE.split())
def test_private_address_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC.split())
def test_public_address_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("url", NO_URLS, ids=ascii)
def test_malformed_url_is_refused(url: str) -> None:
    with pytest.raises((Refused, ValueError)):
        parse(url)


@pytest.mark.parametrize(
    ("url", "scheme", "authority", "host", "port", "path"),
    [
        ("http://example.com", "http", "example.com", "example.com", 80, "/"),
        ("HTTPS://Example.COM/Cat.JPG", "https", "example.com", "example.com", 443, "/Cat.JPG"),
        ("http://example.com:8080?a=/b&c=@x", "http", "example.com:8080", "example.com", 8080, "/?a=/b&c=@x"),
        ("http://a_b-c.xn--e1afmkfd.x1/%20?%0a|[]", "http", *["a_b-c.xn--e1afmkfd.x1"] * 2, 80, "/%20?%0a|[]"),
        ("http://localhost/", "http", "localhost", "localhost", 80, "/"),
        ("https://8.8.8.8/", "https", "8.8.8.8", "8.8.8.8", 443, "/"),
        ("https://[2001:DB8::1]:8443/", "https", "[2001:db8::1]:8443", "2001:DB8::1", 8443, "/"),
    ],
)
def test_url_is_parsed(url: str, scheme: str, authority: str, host: str, port: int, path: str) -> None:
    target = parse(url)
    assert (target.scheme, target.authority, target.host) == (scheme, authority, host)
    assert (target.port, target.path) == (port, path)
    assert (target.literal is None) == host[0].isalpha()


@pytest.mark.parametrize("port", [1, 22, 81, 8080, 65535, 99999])
def test_port_outside_url_ports_is_refused(port: int) -> None:
    with pytest.raises(Refused, match="URL_PORTS"):
        Rules(Settings()).check_port(parse(f"http://example.com:{port}/"))


def test_url_ports_sets_the_ports() -> None:
    rules = Rules(Settings(url_ports=frozenset({8080, 1, 65535})))
    for port in (8080, 1, 65535):
        rules.check_port(parse(f"http://example.com:{port}/"))
    with pytest.raises(Refused):
        rules.check_port(parse("http://example.com/"))


def allows(allow: str, host: str, *addresses: str) -> bool:
    rules = Rules(Settings.from_env({"URL_ALLOW": allow}))
    try:
        rules.check_addresses(parse(f"http://{host}/"), [ip_address(a) for a in addresses])
    except Refused:
        return False
    return True


def test_one_private_address_of_several_is_refused() -> None:
    assert allows("", "example.com", "8.8.8.8", "2606:4700::1111")
    assert not allows("", "example.com", "8.8.8.8", "10.0.0.1")
    assert not allows("", "example.com", "2606:4700::1111", "::1")


def test_url_allow_permits_further_hosts() -> None:
    allow = "images.Internal, 10.1.0.0/16,fd00::/8,192.168.0.7"
    assert allows(allow, "images.internal", "10.9.9.9", "8.8.8.8")
    assert allows(allow, "any.name", "10.1.255.255", "fd00::1", "192.168.0.7", "8.8.8.8")
    assert not allows(allow, "any.name", "10.1.0.1", "10.2.0.1")
    assert not allows(allow, "any.name", "192.168.0.8")
    assert not allows(allow, "more.images.internal", "10.9.9.9")
    assert not allows(allow, "any.name", "::ffff:10.1.0.1"), "an IPv4 network does not permit the mapped IPv6 form"
    assert not allows("fe80::/10", "any.name", "fe80::1%eth0")
