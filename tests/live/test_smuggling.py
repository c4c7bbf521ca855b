"""A request hidden in another is never executed: one answer comes back, and it appears in no log."""

from __future__ import annotations

import uuid

import pytest
import requests

from tests.live import raw
from tests.live.service import Service, until

HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\n"


def hidden(name: str) -> bytes:
    return f"GET /nothing HTTP/1.1\r\nHost: x\r\nX-Request-ID: {name}\r\n\r\n".encode()


def with_length(length: bytes, coding: bytes, body: bytes) -> bytes:
    return HEAD + b"Content-Length: " + length + b"\r\n" + coding + b"\r\n\r\n" + body


def wrapped(inner: bytes) -> dict[str, bytes]:
    """Requests with another inside, which one of two parsers could take for the next."""
    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(inner), inner)
    end, chunked, all_of_it = b"0\r\n\r\n" + inner, b"Transfer-Encoding: chunked", b"%d" % (len(inner) + 5)
    return {
        "the length says body, the coding says request": with_length(all_of_it, chunked, end),
        "the coding says body, the length says request": with_length(b"4", chunked, chunk),
        "two codings": HEAD + chunked + b"\r\nTransfer-Encoding: cow\r\n\r\n" + chunk,
        "two codings in one line": HEAD + b"Transfer-Encoding: cow, chunked\r\n\r\n" + end,
        "a space before the colon": with_length(all_of_it, b"Transfer-Encoding : chunked", end),
        "a tab behind the colon": with_length(all_of_it, b"Transfer-Encoding:\tchunked", end),
        "a vertical tab": with_length(all_of_it, b"Transfer-Encoding: \x0bchunked", end),
        "a folded coding": with_length(all_of_it, b"Transfer-Encoding:\r\n chunked", end),
        "a coding behind LF alone": with_length(all_of_it, b"A: b\nTransfer-Encoding: chunked", end),
        "a coding behind CR alone": with_length(all_of_it, b"A: b\rTransfer-Encoding: chunked", end),
        "an underscore": with_length(all_of_it, b"Transfer_Encoding: chunked", end),
        "no length and all of it": with_length(b"0", b"Content-Length: " + all_of_it, inner),
        "all of it and no length": with_length(all_of_it, b"Content-Length: 0", inner),
        "a length with a sign": with_length(b"+0", b"A: b", inner),
        "a list of lengths": with_length(b"0, 0", b"A: b", inner),
        "a chunk's extension": HEAD + chunked + b"\r\n\r\n0;a\n" + inner,
        "an extension with CR": HEAD + chunked + b"\r\n\r\n0;a\r" + inner,
        "a size that is none": HEAD + chunked + b"\r\n\r\n0x0\r\n\r\n" + inner,
        "a size that overflows": HEAD + chunked + b"\r\n\r\n10000000000000000\r\n" + inner,
        "behind a body above the limit": with_length(b"99999999", b"A: b", inner),
        "behind an error": b"GET / HTTP/1.1\r\n\r\n" + inner,
        "behind another version": b"GET / HTTP/2.0\r\nHost: x\r\n\r\n" + inner,
        "behind an Expect": with_length(b"0", b"Expect: wonders\r\nConnection: close", inner),
        "behind a close": HEAD + b"Content-Length: 0\r\nConnection: close\r\n\r\n" + inner,
        "in HTTP/1.0": b"GET / HTTP/1.0\r\n\r\n" + inner,
        "in a body": with_length(b"%d" % len(inner), b"Connection: close", inner),
        "in the body of a GET": with_length(b"%d" % len(inner), b"Connection: close", inner).replace(b"POST", b"GET"),
        "in a chunk": HEAD + b"Connection: close\r\n" + chunked + b"\r\n\r\n" + chunk,
    }


@pytest.mark.parametrize("kind", wrapped(b""))
def test_hidden_request_is_not_executed(service: Service, kind: str) -> None:
    name, after = f"hidden-{uuid.uuid4().hex}", f"after-{uuid.uuid4().hex}"
    answers = raw.answers(raw.send(service.url, wrapped(hidden(name))[kind], hang_up=True))
    assert len(answers) == 1, answers
    assert answers[0].code or answers[0].status == 200
    assert "x-request-id" in answers[0].headers and answers[0].headers["x-request-id"] != name
    requests.get(f"{service.url}/nothing", headers={"X-Request-ID": after}, timeout=60)
    until(lambda: len(service.lines_of(after)) == 2)  # both logs are written by then
    assert name not in service.log
