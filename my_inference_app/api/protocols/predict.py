"""POST /predict, the service's own protocol. SageMaker sends its requests to /invocations."""

from __future__ import annotations

import json
from functools import partial
from typing import NotRequired, TypedDict

from flask import Blueprint, Response, g, jsonify, request

from ...errors import ServiceError, raised
from ...inference.answers import Answer, Result, Timings
from ...inference.classifier import Classifier
from .. import context
from ..classification import chosen
from ..described import IMAGE_ERRORS, IMAGES, MODEL, TOP_K, VERSION, Predicted, predicted
from ..doubts import COVERAGE, Doubted, add_doubts, read_coverage
from ..errors import Error, ErrorDetails, error_body
from ..explanations import EXPLAIN, Explanation, Wish, classify_for, explanations, read_wish
from ..input.reader import read
from ..operation import JSON, Operation, operation

blueprint = Blueprint("predict", __name__)


class Original(TypedDict):
    """The answer of the service that this one grew out of."""

    statusCode: int
    body: str


class Answered(Doubted):
    success: bool
    response: Original
    model: str
    version: str
    predictions: list[Predicted]
    explanations: NotRequired[list[Explanation]]
    request_id: str


class Entry(Doubted):
    """One of several images: its answer, or its error."""

    filename: str | None
    success: bool
    response: NotRequired[Original]
    model: NotRequired[str]
    version: NotRequired[str]
    predictions: NotRequired[list[Predicted]]
    explanations: NotRequired[list[Explanation]]
    error: NotRequired[ErrorDetails]
    request_id: str


class SeveralAnswered(TypedDict):
    success: bool
    model: str
    version: str
    results: list[Entry]
    request_id: str


@blueprint.post("/predict")
@blueprint.post("/predict/<path:name>")
@blueprint.post("/invocations")
@operation(
    Operation(
        "Classify images. One image gets one answer, several get a list of `results`",
        "Predictions",
        {JSON: Answered | SeveralAnswered},
        IMAGES,
        (TOP_K, MODEL, VERSION, EXPLAIN, COVERAGE),
        (*IMAGE_ERRORS, 501),
    )
)
def predict(name: str = "") -> Response:
    classifier = chosen(name)
    wish = read_wish(request.args.getlist("explain"), classifier)
    coverage = read_coverage(request.args, classifier)
    sent = read(request, context.settings().max_images)
    answer = classify_for(wish, classifier, sent.images)
    form = partial(_one, classifier, sent.top_k, wish, coverage)
    body: Answered | SeveralAnswered
    if len(sent.images) == 1:
        body = form(raised(answer.outcomes[0]))
    else:
        results = [
            _entry(image.filename, error_body(outcome) if isinstance(outcome, ServiceError) else form(outcome))
            for image, outcome in zip(sent.images, answer.outcomes, strict=True)
        ]
        body = {
            "success": True,
            "model": classifier.name,
            "version": classifier.version,
            "results": results,
            "request_id": g.request_id,
        }
    response = jsonify(body)
    response.headers["Server-Timing"] = _server_timing(answer.timings)
    if context.cache():
        response.headers.update(_cache_headers(answer))
    return response


def _server_timing(timings: Timings) -> str:
    parts = {"decode": timings.decode, "queue": timings.queue, "infer": timings.infer}
    return ", ".join(f"{name};dur={value:.2f}" for name, value in parts.items())


def _cache_headers(answer: Answer) -> dict[str, str]:
    """A hit is an answer for which nothing was computed."""
    return {"Cache": "miss"} if answer.age is None else {"Cache": "hit", "Age": f"{answer.age:.0f}"}


def _entry(filename: str | None, answered: Answered | Error) -> Entry:
    return {"filename": filename, **answered}


def _one(classifier: Classifier, top_k: int, wish: Wish | None, coverage: float | None, result: Result) -> Answered:
    predictions = result.top(top_k)
    answered: Answered = {
        "success": True,
        # `body` is JSON within JSON: clients of the service's predecessor expect it.
        "response": {"statusCode": 200, "body": json.dumps(predictions[0].label)},
        "model": classifier.name,
        "version": classifier.version,
        "predictions": [predicted(prediction) for prediction in predictions],
        "request_id": g.request_id,
    }
    add_doubts(answered, result.doubts(coverage))
    if wish:
        answered["explanations"] = explanations(wish, classifier, result)
    return answered
