"""Turns every exception into the standard error body, in our own words: library texts never get into a response."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TypedDict

from flask import Flask, Response, current_app, g, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from .. import metrics
from ..errors import BadRequest, ModelFailed, ModelNotFound, PayloadTooLarge, ServiceError
from .context import registry, settings, wording_of
from .observation import observation

_log = logging.getLogger(__name__)


class ErrorDetails(TypedDict):
    code: str
    message: str


class Error(TypedDict):
    """The standard error body."""

    success: bool
    error: ErrorDetails
    request_id: str


class HttpError(ServiceError):
    """An error that Flask or Werkzeug raised, and that has no class of its own in errors.py."""

    def __init__(self, status: int, code: str, message: str, allow: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.allow = status, code, allow


def register(app: Flask) -> None:
    app.register_error_handler(Exception, respond)


def respond(error: Exception) -> Response:
    """In the shape of the protocol whose address was asked, or in the standard one."""
    known = translate(error)
    word = wording_of(request.path)
    if word is None:
        return with_status(jsonify(error_body(known)), known)
    count(known)
    return with_status(word(known), known)


def translate(error: Exception) -> ServiceError:
    if isinstance(error, ModelNotFound):
        return _wrong_method() or error
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, HTTPException):
        return _from_framework(error)
    _log.error("request %s failed", g.request_id, exc_info=error)
    return ServiceError("something went wrong here; the request id helps to find it in the log")


def _from_framework(error: HTTPException) -> ServiceError:
    match error.code:
        case 400:
            return BadRequest("the request cannot be understood: check its headers, and that its body is complete")
        case 404:
            return HttpError(404, "not_found", "there is nothing at this address: POST an image to /predict")
        case 405:
            return _method_not_allowed(error.valid_methods if isinstance(error, MethodNotAllowed) else None)
        case 413:
            limit = settings().max_upload_mb
            return PayloadTooLarge(f"the request is larger than {limit} MB: send fewer or smaller images")
        case status:
            return HttpError(status or 500, "http_error", "the request cannot be answered: check its headers")


def _wrong_method() -> HttpError | None:
    """To the router, GET /v2/models/cat/infer names a model `cat/infer`. With POST it names the model `cat`."""
    router = current_app.create_url_adapter(request)
    for method in ("GET", "POST"):
        try:
            rule, values = router.match(method=method, return_rule=True) if router else (None, {})
        except HTTPException:
            continue
        if rule and request.method not in (rule.methods or ()) and values.get("name", "") in registry():
            return _method_not_allowed(rule.methods)
    return None


def _method_not_allowed(methods: Iterable[str] | None) -> HttpError:
    allow = ", ".join(sorted(methods or []))
    hint = f": use {allow}" if allow else ""
    return HttpError(405, "method_not_allowed", f"{request.method} is not allowed here{hint}", allow)


def error_body(error: ServiceError) -> Error:
    count(error)
    return {
        "success": False,
        "error": {"code": error.code, "message": str(error)},
        "request_id": g.request_id,
    }


def count(error: ServiceError) -> None:
    seen = observation()
    if isinstance(error, ModelNotFound):
        seen.found_no_model()
    if isinstance(error, ModelFailed):
        _log.error("request %s: %s", g.request_id, error, exc_info=error.__cause__)
    metrics.errors.labels(seen.model, seen.version, error.code).inc()


def with_status(response: Response, error: ServiceError) -> Response:
    """Gives a response the status of an error, and the headers that belong to it."""
    observation().code = error.code
    if response.status_code == 200:  # a protocol may have set another
        response.status_code = error.status
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, HttpError) and error.allow:
        response.headers["Allow"] = error.allow
    return response
