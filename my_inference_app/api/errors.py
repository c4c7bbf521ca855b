"""The one shape of every error."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from .. import metrics
from ..errors import BadRequest, PayloadTooLarge, ServiceError

_log = logging.getLogger(__name__)

# What Flask and Werkzeug raise by themselves.
_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "payload_too_large"}


class _Framework(ServiceError):
    def __init__(self, error: HTTPException) -> None:
        self.status = error.code or 500
        self.code = _CODES.get(self.status, "http_error")
        super().__init__(_message(self.status, error))


def _message(status: int, error: HTTPException) -> str:
    match status:
        case 404:
            return "there is nothing at this address: POST a picture to /predict"
        case 405:
            allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or []))
            return f"{request.method} is not allowed here" + (f": use {allowed}" if allowed else "")
        case _:
            return error.description or "the request cannot be answered"


def register(app: Flask) -> None:
    app.register_error_handler(ServiceError, respond)
    app.register_error_handler(HTTPException, _from_framework)
    app.register_error_handler(Exception, _unforeseen)


def error_body(error: ServiceError) -> dict[str, Any]:
    metrics.errors.labels(error.code).inc()
    return {
        "success": False,
        "error": {"code": error.code, "message": str(error)},
        "request_id": g.request_id,
    }


def respond(error: ServiceError) -> Response:
    response = jsonify(error_body(error))
    response.status_code = error.status
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _from_framework(error: HTTPException) -> Response:
    response = respond(translate(error))
    if error.code == 405:
        response.headers["Allow"] = error.get_response().headers.get("Allow", "")
    return response


def translate(error: HTTPException) -> ServiceError:
    if error.code == 413:
        return PayloadTooLarge("the request is too large: send fewer or smaller pictures")
    if error.code == 400:
        return BadRequest(error.description or "the request cannot be understood")
    return _Framework(error)


def _unforeseen(error: Exception) -> Response:
    _log.error("request %s failed", g.request_id, exc_info=error)
    return respond(ServiceError("something went wrong here; the request id helps to find it in the log"))
