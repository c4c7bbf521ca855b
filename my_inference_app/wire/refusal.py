"""What gunicorn's parser refuses, told in the one shape of every error. It became no request: Flask never sees it."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any

from gunicorn.http.body import Body
from gunicorn.http.errors import (
    ExpectationFailed,
    InvalidHeader,
    InvalidHTTPVersion,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)

from .. import errors
from ..errors import ServiceError

_HOST = re.compile(r"([\w.~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?", re.ASCII)
_KINDS: tuple[tuple[type[Exception], type[ServiceError], str], ...] = (
    (LimitRequestLine, errors.AddressTooLong, "the address is too long"),
    (LimitRequestHeaders, errors.HeadersTooLarge, "the headers are too long or too many"),
    (ExpectationFailed, errors.ExpectationFailed, "only `Expect: 100-continue` is understood"),
    (UnsupportedTransferCoding, errors.NotSupported, "send the body as it is, or with `Transfer-Encoding: chunked`"),
    (ParseException, errors.BadRequest, "the request cannot be understood"),
)


def translate(error: Exception) -> ServiceError:
    if isinstance(error, InvalidResponseHeader | InvalidResponseHeaderName):
        return ServiceError("something went wrong here; the request id helps to find it in the log")
    if isinstance(error, InvalidHTTPVersion) and isinstance(error.version, tuple):
        return errors.VersionNotSupported("this service speaks HTTP/1.0 and HTTP/1.1")
    for kind, told, message in _KINDS:
        if isinstance(error, kind):
            return told(message)
    return ServiceError("something went wrong here; the request id helps to find it in the log")


def answer(error: ServiceError, request_id: str) -> bytes:
    told = {"code": error.code, "message": str(error)}
    body = json.dumps({"success": False, "error": told, "request_id": request_id}).encode() + b"\n"
    head = (
        f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"X-Request-ID: {request_id}\r\n"
        "X-Content-Type-Options: nosniff\r\n\r\n"
    )
    return head.encode() + body


def check(request: Any) -> None:
    """What gunicorn lets through: a request without a Host, or with any, and HTTP/1.9."""
    if request.version > (1, 1):
        raise InvalidHTTPVersion(request.version)
    hosts = [value for name, value in request.headers if name == "HOST"]
    if (not hosts and request.version >= (1, 1)) or not all(map(_HOST.fullmatch, hosts)):
        raise InvalidHeader("HOST", req=request)


class CheckedBody(Body):  # type: ignore[misc]
    """Says when it is broken or cut short. gunicorn's own words for broken chunks would become a 500, and half a body
    would pass for a whole one."""

    def _read_reader(self, size: int) -> Any:
        expected = min(size, getattr(self.reader, "length", 0))  # chunks say themselves where they end
        try:
            data = super()._read_reader(size)
        except ParseException as error:
            raise translate(error) from None
        if len(data) < expected:
            self.failed = True
            raise errors.BadRequest("the body is shorter than its Content-Length says")
        return data
