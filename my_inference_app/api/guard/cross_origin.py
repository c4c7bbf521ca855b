"""Lets pages of other origins use the API from a browser (CORS), where CORS_ORIGINS names them.

nginx/project.conf says the same with the errors that it makes itself.
"""

from __future__ import annotations

from flask import Response, current_app, request

_SENT = "Authorization, Content-Type, X-API-Key, X-Request-ID"
_SHOWN = "X-Request-ID, Retry-After, Server-Timing"
_REMEMBERED = "7200"  # seconds, which is the most that Chromium does


def answer_preflight() -> Response | None:
    """Before anything asks for a key: with this question a browser sends none."""
    if not (_origins() and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers):
        return None
    if request.routing_exception:  # there is nothing at this address; the error handler says so
        return None
    response = current_app.make_default_options_response()
    response.status_code = 204
    response.headers["Access-Control-Allow-Methods"] = response.headers["Allow"]
    response.headers["Access-Control-Allow-Headers"] = _SENT
    response.headers["Access-Control-Max-Age"] = _REMEMBERED
    return response


def tell_origins(response: Response) -> Response:
    """On every answer, errors too: without it a page cannot tell what went wrong."""
    origins, own = _origins(), request.headers.get("Origin", "")
    if not origins:
        return response
    if "*" not in origins:
        response.vary.add("Origin")
    if "*" in origins or own in origins:
        response.headers["Access-Control-Allow-Origin"] = "*" if "*" in origins else own
        response.headers["Access-Control-Expose-Headers"] = _SHOWN
    return response


def _origins() -> tuple[str, ...]:
    origins: tuple[str, ...] = current_app.extensions["settings"].cors_origins
    return origins
