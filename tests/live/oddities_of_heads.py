"""As oddities.py, about what stands before the body."""

from __future__ import annotations

from tests.live.oddities import (
    BAD,
    BODY,
    EXPECTATION,
    HEADERS,
    HOST,
    LONG_ADDRESS,
    METHOD,
    NO_PICTURE,
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
    "no HTTP": (b"hello world\r\n\r\n", BAD, BAD),
    "TLS": (TLS, BAD, BAD),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", BAD, BAD),
    "HTTP/1.2": (get(first=b"GET / HTTP/1.2"), OK, VERSION),
    "HTTP/2.0": (get(first=b"GET / HTTP/2.0"), VERSION, VERSION),
    "HTTP/3.0": (get(first=b"GET / HTTP/3.0"), VERSION, VERSION),
    "HTTP/x": (get(first=b"GET / HTTP/x"), BAD, BAD),
    "another protocol": (get(first=b"GET / SIP/2.0"), BAD, BAD),
    "a line end before it": (b"\r\n" + get(), OK, OK),
    "BREW": (get(first=b"BREW / HTTP/1.1"), METHOD, METHOD),
    "TRACE": (get(first=b"TRACE / HTTP/1.1"), METHOD, METHOD),
    "CONNECT /": (get(first=b"CONNECT / HTTP/1.1"), METHOD, METHOD),
    "CONNECT": (get(first=b"CONNECT x:443 HTTP/1.1"), BAD, NOWHERE),
    "get": (get(first=b"get / HTTP/1.1"), BAD, BAD),
    "PUT": (get(b"Content-Length: 0", first=b"PUT /predict HTTP/1.1"), METHOD, METHOD),
    "OPTIONS": (get(first=b"OPTIONS /predict HTTP/1.1"), OK, OK),
    "OPTIONS *": (get(first=b"OPTIONS * HTTP/1.1"), BAD, NOWHERE),
    "the whole address": (get(first=b"GET http://x/nothing HTTP/1.1"), NOWHERE, NOWHERE),
    "an address of 5 KB": (get(first=b"GET /" + b"a" * 5000 + b" HTTP/1.1"), LONG_ADDRESS, LONG_ADDRESS),
    "an address of 20 KB": (get(first=b"GET /" + b"a" * 20_000 + b" HTTP/1.1"), LONG_ADDRESS, LONG_ADDRESS),
    "an address without a slash": (get(first=b"GET x HTTP/1.1"), BAD, BAD),
    "an address that leads out": (get(first=b"GET /../../etc/passwd HTTP/1.1"), BAD, NOWHERE),
    "NUL in the address": (get(first=b"GET /\x00 HTTP/1.1"), BAD, BAD),
    "%00 in the address": (get(first=b"GET /%00 HTTP/1.1"), BAD, NOWHERE),
    "a byte above 127 in the address": (get(first=b"GET /\xff HTTP/1.1"), BAD, BAD),
    "two spaces": (get(first=b"GET  / HTTP/1.1"), OK, BAD),
}

FIELDS: dict[str, Case] = {
    "a folded line": (get(b"A: b", b" c"), BAD, BAD),
    "a folded length": (post(BODY, b"Content-Length:", b" 50"), BAD, BAD),
    "NUL": (get(b"A: \x00"), BAD, BAD),
    "LF alone": (b"GET / HTTP/1.1\nHost: x\nConnection: close\n\n", OK, BAD),
    "LF alone in one line": (get(b"A: b\nC: d"), OK, BAD),
    "CR alone": (get(b"A: b\rC: d"), BAD, BAD),
    "CR CR LF": (get(b"A: b\r"), OK, BAD),
    "no name": (get(b": b"), BAD, BAD),
    "no colon": (get(b"A"), OK, BAD),
    "a space in a name": (get(b"A B: c"), BAD, BAD),
    "two Hosts": (get(b"Host: y"), BAD, BAD),
    "no Host": (get(host=b"Connection: close\r\n"), BAD, BAD),
    "no Host in HTTP/1.0": (get(host=b"", first=b"GET / HTTP/1.0"), OK, OK),
    **{
        f"Host {host!r}": (get(host=b"Connection: close\r\nHost: " + host + b"\r\n"), BAD, BAD)
        for host in (b"", b"x y", b"x/y", b"x@y", b"[::1", b"\xff")
    },
    **{
        f"Host {host!r}": (get(host=b"Connection: close\r\nHost: " + host + b"\r\n"), OK, OK)
        for host in (b"x:80", b"[::1]:80", b"xn--bcher-kva.example")
    },
    "200 lines": (get(*(b"A%d: b" % number for number in range(200))), HEADERS, HEADERS),
    "9 KB": (get(b"A: " + b"b" * 9000), HEADERS, HEADERS),
    "60 KB in ten": (get(*(b"A%d: " % number + b"b" * 6000 for number in range(10))), HEADERS, OK),
    "2 MB without an end": (b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 2_000_000, HEADERS, HEADERS),
    "another Expect": (post(BODY, LENGTH, b"Expect: wonders"), NO_PICTURE, EXPECTATION),
    "Expect in HTTP/1.0": (
        get(LENGTH, b"Expect: 100-continue", first=b"POST /predict HTTP/1.0") + BODY,
        NO_PICTURE,
        NO_PICTURE,
    ),
    "Range": (get(b"Range: bytes=0-1"), OK, OK),
    "an upgrade to a websocket": (get(b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"), OK, OK),
    "an upgrade to HTTP/2": (get(b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"), OK, OK),
    "a scheme of its own": (get(b"X-Forwarded-Ssl: on", b"X-Forwarded-Proto: http"), OK, OK),
    "SCRIPT_NAME": (get(b"SCRIPT_NAME: /x", b"PATH_INFO: /y"), OK, OK),
    "a coding that nobody knows": (get(b"Transfer-Encoding: br"), NOT_SUPPORTED, NOT_SUPPORTED),
}
