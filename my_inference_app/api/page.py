"""GET /: a page for a browser, one line of text for a program. The form on the page works without JavaScript."""

from __future__ import annotations

from flask import Blueprint, Response, g, make_response, render_template, request

from ..errors import ServiceError, Unauthorized
from . import context
from .classification import chosen, classify
from .described import FILES, IMAGE_ERRORS
from .errors import count, respond, translate, with_status
from .input.reader import read
from .operation import Body, Operation, operation
from .preview import preview

GREETING = "Hello! Use /predict route to POST your prediction requests."

# The page consists of a form, a style sheet and images. The browser blocks everything else.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

blueprint = Blueprint("page", __name__)


# The protocol of TorchServe answers OPTIONS.
@blueprint.get("/", provide_automatic_options=False)
@operation(
    Operation("A page for a browser, one line of text for a program", "Page", {"text/plain": str, "text/html": str})
)
def index() -> Response:
    return _page() if _from_browser() else Response(GREETING, mimetype="text/plain")


@blueprint.post("/", provide_automatic_options=False)
@operation(
    Operation(
        "The form of the page", "Page", {"text/html": str}, (Body("multipart/form-data", FILES),), statuses=IMAGE_ERRORS
    )
)
def upload() -> Response:
    """Answers the form with the page again, now with the predictions, or the error, on it."""
    sent = read(request, context.settings().max_images)
    answer = classify(chosen(), sent.images)
    outcome = answer.outcomes[0]
    if isinstance(outcome, ServiceError):
        raise outcome
    image = sent.images[0]
    return _page(filename=image.filename, preview=preview(image.data), predictions=outcome.top(sent.top_k))


@blueprint.errorhandler(Exception)
def show_error(error: Exception) -> Response:
    """Shows a browser the page for any error on this address, a missing key and a too large request included."""
    if not _from_browser():
        return respond(error)
    known = translate(error)
    if isinstance(known, Unauthorized):
        if request.method != "POST":  # nobody has seen the form yet
            return _page()
        known = Unauthorized("The API key is missing or wrong: enter a key of this service.")
    count(known)
    return with_status(_page(error=known, request_id=g.request_id if known.status == 500 else None), known)


@blueprint.after_request
def vary(response: Response) -> Response:
    response.vary.add("Accept")
    return response


def _from_browser() -> bool:
    """Only browsers ask for HTML by name: curl sends */*."""
    return "text/html" in request.headers.get("Accept", "")


def _page(**values: object) -> Response:
    html = render_template(
        "index.html",
        # Without the key the page shows the form only.
        model=context.registry().names[0] if g.get("key_accepted") else None,
        needs_key=bool(context.settings().keys),
        max_upload_mb=context.settings().max_upload_mb,
        **values,
    )
    response = make_response(html)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response
