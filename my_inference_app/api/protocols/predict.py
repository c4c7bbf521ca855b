"""POST /predict, the service's own protocol. SageMaker sends its requests to /invocations."""

from __future__ import annotations

import json
from functools import partial
from typing import NotRequired, TypedDict

from flask import Blueprint, Response, g, jsonify, request

from ...errors import ServiceError
from ...inference.answers import Result, Timings
from ...inference.classifier import Classifier
from .. import context
from ..classification import chosen, classify
from ..described import IMAGE_ERRORS, IMAGES, MODEL, TOP_K, VERSION, Predicted, predicted
from ..errors import Error, ErrorDetails, error_body
from ..input.reader import read
from ..operation import JSON, Operation, operation

blueprint = Blueprint("predict", __name__)


class Original(TypedDict):
    """The answer of the service that this one grew out of."""

    statusCode: int
    body: str


class Answered(TypedDict):
    success: bool
    response: Original
    model: str
    version: str
    predictions: list[Predicted]
    request_id: str


class Entry(TypedDict):
    """One of several images: its answer, or its error."""

    filename: str | None
    success: bool
    response: NotRequired[Original]
    model: NotRequired[str]
    version: NotRequired[str]
    predictions: NotRequired[list[Predicted]]
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
        (TOP_K, MODEL, VERSION),
        IMAGE_ERRORS,
    )
)
def predict(name: str = "") -> Response:
    classifier = chosen(name)
    sent = read(request, context.settings().max_images)
    answer = classify(classifier, sent.images)
    form = partial(_one, classifier, sent.top_k)
    body: Answered | SeveralAnswered
    if len(sent.images) == 1:
        body = form(_raised(answer.outcomes[0]))
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
    return response


def _server_timing(timings: Timings) -> str:
    parts = {"decode": timings.decode, "queue": timings.queue, "infer": timings.infer}
    return ", ".join(f"{name};dur={value:.2f}" for name, value in parts.items())


def _raised(outcome: Result | ServiceError) -> Result:
    if isinstance(outcome, ServiceError):
        raise outcome
    return outcome


def _entry(filename: str | None, answered: Answered | Error) -> Entry:
    return {"filename": filename, **answered}


def _one(classifier: Classifier, top_k: int, result: Result) -> Answered:
    predictions = result.top(top_k)
    return {
        "success": True,
        # `body` is JSON within JSON: clients of the service's predecessor expect it.
        "response": {"statusCode": 200, "body": json.dumps(predictions[0].label)},
        "model": classifier.name,
        "version": classifier.version,
        "predictions": [predicted(prediction) for prediction in predictions],
        "request_id": g.request_id,
    }
