"""Whether a browser asks, what it may load on the pages, and which images it offers to choose."""

from __future__ import annotations

from flask import Request

# A page consists of forms, style sheets, scripts and images, all from here. The browser blocks everything else.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
ACCEPT = "image/jpeg,image/png,image/webp,image/gif,image/bmp"


def asks(request: Request) -> bool:
    """Only browsers ask for HTML by name: curl sends */*."""
    return "text/html" in request.headers.get("Accept", "")
