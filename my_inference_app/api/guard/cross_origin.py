"""Lets pages of the origins in CORS_ORIGINS use the API from a browser (CORS).

nginx/project.conf sends the same headers with its own errors.
"""

from __future__ import annotations

from flask import Response, current_app, request

from ..context import settings

_REQUEST_HEADERS = "Authorization, Content-Type, Inference-Header-Content-Length, X-API-Key, X-Request-ID"
_RESPONSE_HEADERS = "X-Request-ID, Retry-After, Server-Timing, Age, Cache, Inference-Header-Content-Length"
_MAX_AGE = "7200"  # seconds; Chromium caches no longer


def answer_preflight() -> Response | None:
    """Runs before a key is required: browsers send none with a preflight request."""
    origins = settings().cors_origins
    if not (origins and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers):
        return None
    if request.routing_exception:  # the error handler answers with 404
        return None
    response = current_app.make_default_options_response()
    response.status_code = 204
    response.headers["Access-Control-Allow-Methods"] = response.headers["Allow"]
    response.headers["Access-Control-Allow-Headers"] = _REQUEST_HEADERS
    response.headers["Access-Control-Max-Age"] = _MAX_AGE
    return response


def add_cors_headers(response: Response) -> Response:
    """On every response, errors included: without them a page cannot read the error."""
    origins, own = settings().cors_origins, request.headers.get("Origin", "")
    if not origins:
        return response
    if "*" not in origins:
        response.vary.add("Origin")
    if "*" in origins or own in origins:
        response.headers["Access-Control-Allow-Origin"] = "*" if "*" in origins else own
        response.headers["Access-Control-Expose-Headers"] = _RESPONSE_HEADERS
    return response
