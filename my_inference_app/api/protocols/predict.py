"""POST /predict, the service's own protocol. SageMaker sends its requests to /invocations."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from ...errors import ServiceError
from ...inference.answers import Result, Timings
from ...inference.classifier import Classifier
from .. import context
from ..classification import chosen, classify
from ..errors import error_body
from ..input.reader import read

blueprint = Blueprint("predict", __name__)


@blueprint.post("/predict")
@blueprint.post("/predict/<path:name>")
@blueprint.post("/invocations")
def predict(name: str = "") -> Response:
    classifier = chosen(name)
    sent = read(request, context.settings().max_images)
    answer = classify(classifier, sent.images)
    form = partial(_one, classifier, sent.top_k)
    if len(sent.images) == 1:
        body = form(_raised(answer.outcomes[0]))
    else:
        results = [
            {
                "filename": image.filename,
                **(error_body(outcome) if isinstance(outcome, ServiceError) else form(outcome)),
            }
            for image, outcome in zip(sent.images, answer.outcomes, strict=True)
        ]
        model = {"model": classifier.name, "version": classifier.version}
        body = {"success": True, **model, "results": results, "request_id": g.request_id}
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


def _one(classifier: Classifier, top_k: int, result: Result) -> dict[str, Any]:
    predictions = result.top(top_k)
    return {
        "success": True,
        # `body` is JSON within JSON: clients of the service's predecessor expect it.
        "response": {"statusCode": 200, "body": json.dumps(predictions[0].label)},
        "model": classifier.name,
        "version": classifier.version,
        "predictions": [vars(prediction) for prediction in predictions],
        "request_id": g.request_id,
    }
