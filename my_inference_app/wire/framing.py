"""Where a request ends, told while its bytes are still coming in.

Nothing is decided here: gunicorn's parser reads the same bytes afterwards, and it is the one that accepts or refuses
them. A generator yields while more bytes are needed. It returns True when the request is whole, and False when the
parser needs no more to refuse it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator

Steps = Generator[None, None, bool]

_START = re.compile(rb"(\r\n)?[!#$%&'*+.^_`|~0-9A-Za-z-]")
_REQUEST_LINE = re.compile(rb"(\r\n)?[^\r\n]* HTTP/\d\.\d\r\n")
_BARE_LF = re.compile(rb"(?<!\r)\n")
# No two parts of these can match the same bytes: a long line must not take long.
_LENGTH = re.compile(rb"\r\ncontent-length:([^\r\n]*)", re.IGNORECASE)
_CODING = re.compile(rb"\r\ntransfer-encoding:([^\r\n]*)", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:([^\r\n]*)", re.IGNORECASE)
_SIZE = re.compile(rb"[0-9a-f]{1,12}(?=[ \t;]|\Z)", re.IGNORECASE)

# Both are more than gunicorn's own limits, so that it is the one to say that they are passed.
_LONGEST_LINE = 16_384
_LONGEST_HEAD = 1 << 20
# A body in chunks is read in steps of this size, and a step that cannot be whole is lost.
_STEP = 1 << 20


def follow(data: bytearray, most: int, go_on: Callable[[], None]) -> Steps:
    """`most` is the largest body; `go_on` tells a client to send it who asked first."""
    end = yield from _head(data)
    lengths, codings, expected = (
        [value.strip(b" \t").lower() for value in field.findall(data, 0, end)] for field in (_LENGTH, _CODING, _EXPECT)
    )
    if not end or expected not in ([], [b"100-continue"]) or (lengths and codings) or len(lengths) > 1:
        return False
    if codings and not codings[-1].endswith(b"chunked"):
        return False
    length = _number(lengths[0]) if lengths else 0
    if length > most:
        return False
    if expected and (length or codings) and len(data) == end and b" HTTP/1.0\r\n" not in data:
        go_on()
    if codings:
        return (yield from _chunks(data, end, most))
    while len(data) < end + length:
        yield
    return True


def _head(data: bytearray) -> Generator[None, None, int]:
    """Where it ends; 0 if the parser can refuse it as it is."""
    while b"\r\n".startswith(data[:3]):
        yield
    if not _START.match(data):
        # No HTTP at all, but TLS perhaps. It may never have a line end, without which the parser says nothing.
        data += b"\r\n\r\n"
        return 0
    searched = 0
    while (end := data.find(b"\r\n\r\n", max(0, searched - 3))) < 0:
        if _hopeless(data, searched):
            return 0
        searched = len(data)
        yield
    return end + 4


def _hopeless(data: bytearray, searched: int) -> bool:
    if _BARE_LF.search(data, max(0, searched - 1)) or len(data) > _LONGEST_HEAD:
        return True
    if data.find(b"\r\n", 2, _LONGEST_LINE) < 0:
        return len(data) >= _LONGEST_LINE
    return not _REQUEST_LINE.match(data)


def _number(text: bytes) -> float:
    return int(text) if text.isdigit() and len(text) < 20 else float("inf")


def _chunks(data: bytearray, at: int, most: int) -> Steps:
    start, taken = at, 0
    while True:
        searched = at
        while (line := data.find(b"\r\n", searched)) < 0:
            if len(data) - at > _LONGEST_LINE or len(data) - start > 2 * most + _LONGEST_HEAD:
                return False  # hardly anything but sizes
            searched = max(at, len(data) - 1)
            yield
        size = _SIZE.match(data, at, line)
        if not size:
            return False
        length = int(size[0], 16)
        if not length:
            return (yield from _trailers(data, line))
        at = line + 2 + length + 2
        # Only what is here counts: the app has to read more than it allows to find the body too large.
        while taken + min(length, len(data) - line - 2) <= most + _STEP and len(data) < at:
            yield
        taken += length
        if taken > most + _STEP:
            return False


def _trailers(data: bytearray, at: int) -> Steps:
    searched = at
    while data.find(b"\r\n\r\n", searched) < 0:
        if len(data) - at > _LONGEST_HEAD:
            return False
        searched = max(at, len(data) - 3)
        yield
    return True
