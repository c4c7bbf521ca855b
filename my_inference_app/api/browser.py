"""Whether a browser asks, a page as an answer to it, and which images it offers to choose."""

from __future__ import annotations

from flask import Request, Response, make_response

# A page consists of forms, style sheets, scripts and images, all from here. The browser blocks everything else.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
ACCEPT = "image/jpeg,image/png,image/webp,image/gif,image/bmp"


def asks(request: Request) -> bool:
    """Only browsers ask for HTML by name: curl sends */*."""
    return "text/html" in request.headers.get("Accept", "")


def page(html: str) -> Response:
    response = make_response(html)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response
