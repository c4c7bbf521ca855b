"""GET /: a page for a browser, one line of text for a program. The form on the page works without JavaScript."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, render_template, request

from ..errors import BadRequest, Unauthorized, raised
from ..inference.answers import Result, Timings
from ..inference.classifier import Classifier
from . import browser, confidence, context, static_files
from .classification import classify
from .described import FILES, IMAGE_ERRORS
from .errors import count, respond, translate, with_status
from .input.multipart_form import text_field
from .input.reader import read
from .input.upload import Upload
from .operation import Body, Operation, operation
from .preview import preview

GREETING = "Hello! Use /predict route to POST your prediction requests."
SAMPLES = {"cat.webp": "A cat", "coffee.webp": "A cup of coffee", "camera.webp": "A man with a camera"}
TOP_K = 5

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
    image = _sample() or _first_of(read(request, context.settings().max_images).images)
    model = text_field(request, "model").decode("utf-8", "replace")
    classifier = context.registry().find(model)
    answer = classify(classifier, [image])
    shown = _shown(classifier, raised(answer.outcomes[0]), answer.timings)
    return _page(filename=image.filename, preview=preview(image.data), **shown)


def _sample() -> Upload | None:
    name = text_field(request, "sample").decode("utf-8", "replace")
    if name and name not in SAMPLES:
        raise BadRequest(f"there is no such sample: choose one of {', '.join(SAMPLES)}")
    return Upload(name, (static_files.FOLDER / name).read_bytes()) if name else None


def _first_of(images: list[Upload]) -> Upload:
    """The form has several fields for an image, and a browser sends those that are empty too."""
    return next(image for image in images if image.data or image.url)


def _shown(classifier: Classifier, result: Result, timings: Timings) -> dict[str, Any]:
    predictions = result.top(TOP_K)
    return {
        "model": classifier.name,
        "predictions": [{"label": item.label, "percent": confidence.percent(item.score)} for item in predictions],
        "confidence": confidence.of(predictions, result.doubts()),
        "rest": confidence.rest(predictions),
        "answered_by": f"{classifier.name}, version {classifier.version}",
        "timing": f"decode {timings.decode:.1f} ms · queue {timings.queue:.1f} ms · compute {timings.infer:.1f} ms",
    }


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
    return browser.asks(request)


def _page(**values: object) -> Response:
    settings = context.settings()
    html = render_template(
        "index.html",
        # Without the key the page shows the form only.
        models=context.registry().names if g.get("key_accepted") else [],
        needs_key=bool(settings.keys),
        urls=settings.predict_urls,
        reviewed=bool(settings.review_dir),
        max_upload_mb=settings.max_upload_mb,
        top_k=TOP_K,
        accept=browser.ACCEPT,
        samples=SAMPLES,
        scripts=static_files.names(".js"),
        teaches=settings.teach,
        static_file=static_files.addresses(),
        **{"confidence": confidence.Confidence(), **values},
    )
    return browser.page(html)
