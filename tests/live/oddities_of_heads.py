"""More of them: request lines and headers."""

from __future__ import annotations

from tests.live.oddities import (
    BAD,
    BODY,
    HEADERS,
    HOST,
    LONG_ADDRESS,
    METHOD,
    NOT_AN_IMAGE,
    NOT_SUPPORTED,
    NOWHERE,
    OK,
    TLS,
    VERSION,
    Case,
    get,
    post,
)

LENGTH = b"Content-Length: %d" % len(BODY)

LINES: dict[str, Case] = {
    "no HTTP": (b"hello world\r\n\r\n", BAD),
    "TLS": (TLS, BAD),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", BAD),
    "HTTP/1.2": (get(first=b"GET / HTTP/1.2"), OK),
    "HTTP/2.0": (get(first=b"GET / HTTP/2.0"), VERSION),
    "HTTP/3.0": (get(first=b"GET / HTTP/3.0"), VERSION),
    "HTTP/x": (get(first=b"GET / HTTP/x"), BAD),
    "another protocol": (get(first=b"GET / SIP/2.0"), BAD),
    "a line end before it": (b"\r\n" + get(), OK),
    "BREW": (get(first=b"BREW / HTTP/1.1"), METHOD),
    "TRACE": (get(first=b"TRACE / HTTP/1.1"), METHOD),
    "CONNECT /": (get(first=b"CONNECT / HTTP/1.1"), METHOD),
    "CONNECT": (get(first=b"CONNECT x:443 HTTP/1.1"), BAD),
    "get": (get(first=b"get / HTTP/1.1"), BAD),
    "PUT": (get(b"Content-Length: 0", first=b"PUT /predict HTTP/1.1"), METHOD),
    "OPTIONS": (get(first=b"OPTIONS /predict HTTP/1.1"), OK),
    "OPTIONS *": (get(first=b"OPTIONS * HTTP/1.1"), BAD),
    "the whole address": (get(first=b"GET http://x/nothing HTTP/1.1"), NOWHERE),
    "an address of 5 KB": (get(first=b"GET /" + b"a" * 5000 + b" HTTP/1.1"), NOWHERE),
    "an address of 20 KB": (get(first=b"GET /" + b"a" * 20_000 + b" HTTP/1.1"), LONG_ADDRESS),
    "an address without a slash": (get(first=b"GET x HTTP/1.1"), BAD),
    "an address that leads out": (get(first=b"GET /../../etc/passwd HTTP/1.1"), BAD),
    "NUL in the address": (get(first=b"GET /\x00 HTTP/1.1"), BAD),
    "%00 in the address": (get(first=b"GET /%00 HTTP/1.1"), BAD),
    "a byte above 127 in the address": (get(first=b"GET /\xff HTTP/1.1"), BAD),
    "two spaces": (get(first=b"GET  / HTTP/1.1"), OK),
}

FIELDS: dict[str, Case] = {
    "a folded line": (get(b"A: b", b" c"), BAD),
    "a folded length": (post(BODY, b"Content-Length:", b" 50"), BAD),
    "NUL": (get(b"A: \x00"), BAD),
    "LF alone": (b"GET / HTTP/1.1\nHost: x\nConnection: close\n\n", OK),
    "LF alone in one line": (get(b"A: b\nC: d"), OK),
    "CR alone": (get(b"A: b\rC: d"), BAD),
    "CR CR LF": (get(b"A: b\r"), OK),
    "no name": (get(b": b"), BAD),
    "no colon": (get(b"A"), OK),
    "a space in a name": (get(b"A B: c"), BAD),
    "two Hosts": (get(b"Host: y"), BAD),
    "no Host": (get(host=b"Connection: close\r\n"), BAD),
    "no Host in HTTP/1.0": (get(host=b"", first=b"GET / HTTP/1.0"), OK),
    **{
        f"Host {host!r}": (get(host=b"Connection: close\r\nHost: " + host + b"\r\n"), BAD)
        for host in (b"", b"x y", b"x/y", b"x@y", b"[::1", b"\xff")
    },
    **{
        f"Host {host!r}": (get(host=b"Connection: close\r\nHost: " + host + b"\r\n"), OK)
        for host in (b"x:80", b"[::1]:80", b"xn--bcher-kva.example")
    },
    "200 lines": (get(*(b"A%d: b" % number for number in range(200))), OK),
    "9 KB": (get(b"A: " + b"b" * 9000), HEADERS),
    "60 KB in ten": (get(*(b"A%d: " % number + b"b" * 6000 for number in range(10))), HEADERS),
    "2 MB without an end": (b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 2_000_000, HEADERS),
    "another Expect": (post(BODY, LENGTH, b"Expect: wonders"), NOT_AN_IMAGE),
    "Expect in HTTP/1.0": (
        get(LENGTH, b"Expect: 100-continue", first=b"POST /predict HTTP/1.0") + BODY,
        NOT_AN_IMAGE,
    ),
    "Range": (get(b"Range: bytes=0-1"), OK),
    "an upgrade to a websocket": (get(b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"), OK),
    "an upgrade to HTTP/2": (get(b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"), OK),
    "a scheme of its own": (get(b"X-Forwarded-Ssl: on", b"X-Forwarded-Proto: http"), OK),
    "SCRIPT_NAME": (get(b"SCRIPT_NAME: /x", b"PATH_INFO: /y"), OK),
    "a coding that nobody knows": (get(b"Transfer-Encoding: br"), NOT_SUPPORTED),
}
