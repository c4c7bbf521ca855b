"""The body of a request, decompressed if its Content-Encoding says that it is compressed."""

from __future__ import annotations

import zlib

from flask import Request

from ...errors import BadRequest, PayloadTooLarge
from . import raw_body

# The format of each encoding, as zlib counts them. "deflate" is the zlib format.
_FORMATS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def content(request: Request, most: int) -> bytes:
    """`most` is the largest number of bytes that a compressed body may become."""
    data = raw_body.content(request)
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return data
    if encoding not in _FORMATS:
        raise BadRequest("this Content-Encoding is not supported: send gzip or deflate, or do not compress the body")
    return _decompressed(data, encoding, most)


def _decompressed(data: bytes, encoding: str, most: int) -> bytes:
    unpack = zlib.decompressobj(_FORMATS[encoding])
    try:
        result = unpack.decompress(data, most + 1)
    except zlib.error:
        raise BadRequest(f"the body is not valid {encoding}: compress it again, or do not compress it") from None
    if len(result) > most:
        raise PayloadTooLarge(f"the body has more than {most >> 20} MB when decompressed: send fewer or smaller images")
    if not unpack.eof or unpack.unused_data:
        raise BadRequest(f"the {encoding} body is incomplete, or has bytes after its end: send it whole")
    return result
