"""Odd and malformed requests, each with the answer through nginx: a status, and the code of an error."""

from __future__ import annotations

Expected = tuple[int, str]
Case = tuple[bytes, Expected]

BAD = (400, "bad_request")
NOWHERE = (404, "not_found")
METHOD = (405, "method_not_allowed")
TOO_LARGE = (413, "payload_too_large")
LONG_ADDRESS = (414, "uri_too_long")
NOT_AN_IMAGE = (415, "unsupported_format")
EXPECTATION = (417, "expectation_failed")
HEADERS = (431, "headers_too_large")
NOT_SUPPORTED = (501, "not_implemented")
VERSION = (505, "version_not_supported")
OK = (200, "")

LIMIT = 10 * 1024 * 1024
HOST = b"Host: x\r\nConnection: close\r\n"


def get(*lines: bytes, host: bytes = HOST, first: bytes = b"GET / HTTP/1.1") -> bytes:
    return first + b"\r\n" + host + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def post(body: bytes, *lines: bytes) -> bytes:
    """Without a length: that is for the lines to give."""
    return get(*lines, first=b"POST /predict HTTP/1.1") + body


def chunked(body: bytes, *lines: bytes) -> bytes:
    return post(body, b"Transfer-Encoding: chunked", *lines)


def form(boundary: bytes, body: bytes) -> bytes:
    kind = b"Content-Type: multipart/form-data; boundary=" + boundary
    return post(body, kind, b"Content-Length: %d" % len(body))


def parts(count: int) -> bytes:
    part = b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n'
    return part * count + b"--b--\r\n"


TLS = bytes.fromhex("16030100c5010000c10303") + bytes(range(128, 196)) + b"\x13\x01\x13\x02" * 9
CHUNK = b"5\r\nxxxxx\r\n0\r\n\r\n"
BODY = b"x" * 50

LENGTHS: dict[str, Case] = {
    "above the limit, and none of it sent": (post(b"", b"Content-Length: %d" % (LIMIT + 1)), TOO_LARGE),
    "above the limit, urlencoded": (
        post(b"image=" * 99, b"Content-Length: 99999999", b"Content-Type: application/x-www-form-urlencoded"),
        TOO_LARGE,
    ),
    "above the limit, chunked": (
        chunked(b"100000\r\n" + b"x" * 0x100000 + b"\r\n" + b"F00000\r\n" + b"x" * 0xB00000),
        TOO_LARGE,
    ),
    "200,000 chunks of one byte": (chunked(b"1\r\nx\r\n" * 200_000 + b"0\r\n\r\n"), NOT_AN_IMAGE),
    "above the limit, chunked JSON": (
        chunked(b"A00100\r\n" + b" " * 0xA00100 + b"\r\n0\r\n\r\n", b"Content-Type: application/json"),
        TOO_LARGE,
    ),
    "at the limit, chunked": (
        chunked(b"A00000\r\n" + b"x" * LIMIT + b"\r\n0\r\n\r\n"),
        NOT_AN_IMAGE,
    ),
    "length and coding": (post(CHUNK, b"Content-Length: 5", b"Transfer-Encoding: chunked"), BAD),
    "coding and length": (post(CHUNK, b"Transfer-Encoding: chunked", b"Content-Length: 5"), BAD),
    "two lengths, the same": (post(b"xxxxx", b"Content-Length: 5", b"Content-Length: 5"), BAD),
    "two lengths, different": (post(b"xxxxx", b"Content-Length: 5", b"Content-Length: 2"), BAD),
    **{
        f"length {text!r}": (post(b"xxxxx", b"Content-Length: " + text), BAD)
        for text in (b"+5", b"-1", b"5, 5", b"0x5", b"5 5", b"5;", b"", b"five", b"\xb2")
    },
    "a length of 30 digits": (post(b"x", b"Content-Length: " + b"9" * 30), BAD),
    "a length of 5000 digits": (post(b"x", b"Content-Length: " + b"9" * 5000), BAD),
}

CODINGS: dict[str, Case] = {
    "as it should be": (chunked(CHUNK), NOT_AN_IMAGE),
    "in capitals": (post(CHUNK, b"Transfer-Encoding: CHUNKED"), NOT_AN_IMAGE),
    "chunked, identity": (post(CHUNK, b"Transfer-Encoding: chunked, identity"), NOT_SUPPORTED),
    "identity": (post(CHUNK, b"Transfer-Encoding: identity"), NOT_SUPPORTED),
    "xchunked": (post(CHUNK, b"Transfer-Encoding: xchunked"), NOT_SUPPORTED),
    "behind a tab": (post(CHUNK, b"Transfer-Encoding:\tchunked"), NOT_SUPPORTED),
    "behind a vertical tab": (post(CHUNK, b"Transfer-Encoding: \x0bchunked"), NOT_SUPPORTED),
    "space before the colon": (post(CHUNK, b"Transfer-Encoding : chunked"), BAD),
    "twice": (post(CHUNK, b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), BAD),
    "and another": (post(CHUNK, b"Transfer-Encoding: chunked", b"Transfer-Encoding: x"), BAD),
    "in HTTP/1.0": (get(b"Transfer-Encoding: chunked", first=b"POST /predict HTTP/1.0") + CHUNK, BAD),
}

CHUNKS: dict[str, Case] = {
    **{
        f"size {size[:20]!r}": (chunked(size + b"\r\nxxxxx\r\n0\r\n\r\n"), BAD)
        for size in (b"zz", b"-5", b"0x5", b"+5", b"", b"5_0", b"F" * 17, b"5" * 20_000)
    },
    "a size with a space behind it": (chunked(b"5 \r\nxxxxx\r\n0\r\n\r\n"), NOT_AN_IMAGE),
    "an extension": (chunked(b'5;a="b"\r\nxxxxx\r\n0\r\n\r\n'), NOT_AN_IMAGE),
    "no end behind a chunk": (chunked(b"5\r\nxxxxxx\r\n0\r\n\r\n"), BAD),
    "a trailer": (chunked(b"5\r\nxxxxx\r\n0\r\nA: b\r\n\r\n"), NOT_AN_IMAGE),
    "a length in the trailer": (chunked(b"5\r\nxxxxx\r\n0\r\nContent-Length: 5\r\n\r\n"), NOT_AN_IMAGE),
}

FORMS: dict[str, Case] = {
    "1000 parts": (form(b"b", parts(1000)), (400, "no_image")),
    "1001 parts": (form(b"b", parts(1001)), TOO_LARGE),
    "a boundary of 100 characters": (
        form(b"b" * 100, parts(1).replace(b"--b", b"--" + b"b" * 100)),
        (400, "no_image"),
    ),
    "a boundary of 10 KB": (form(b"b" * 10_240, b""), HEADERS),
    "no boundary": (form(b"", parts(1)), BAD),
    "no end": (form(b"b", parts(1)[:-10]), BAD),
    "no line ends": (form(b"b", b"--bx" * 1000), BAD),
}
