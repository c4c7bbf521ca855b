"""GET /: a page for a browser, a line of text for anything else. The form on it needs no JavaScript."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from ..errors import ServiceError
from .errors import translate
from .protocols.predict import classifier, classify_request

GREETING = "Hello! Use /predict route to POST your prediction requests."

# The page is a form and a style sheet; whatever else gets into it is not from here.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

blueprint = Blueprint("page", __name__)


@blueprint.get("/")
def index() -> Response:
    # Only a browser asks for HTML by name; curl's */* gets the text.
    if "text/html" in request.headers.get("Accept", ""):
        response = _page()
    else:
        response = Response(GREETING, mimetype="text/plain")
    response.vary.add("Accept")
    return response


@blueprint.post("/")
def upload() -> Response:
    """The form of the page comes here; its answer is the page again, with the predictions on it."""
    try:
        images, answer = classify_request()
        outcome = answer.outcomes[0]
        if isinstance(outcome, ServiceError):
            raise outcome
    except ServiceError as error:
        return _page(error=error)
    except HTTPException as error:
        return _page(error=translate(error))
    return _page(filename=images[0].filename, predictions=outcome)


def _page(error: ServiceError | None = None, **values: object) -> Response:
    settings = current_app.extensions["settings"]
    html = render_template(
        "index.html", model=classifier().name, max_upload_mb=settings.max_upload_mb, error=error, **values
    )
    response = make_response(html, error.status if error else 200)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    if error and error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response
