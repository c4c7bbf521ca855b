"""POST /predict, the service's own protocol. SageMaker sends its requests to /invocations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from ...errors import ServiceError
from ...inference.classifier import Prediction, Timings
from .. import context
from ..classification import classify
from ..errors import error_body
from ..input.reader import read
from ..input.upload import Upload

blueprint = Blueprint("predict", __name__)


@blueprint.post("/predict")
@blueprint.post("/invocations")
def predict() -> Response:
    sent = read(request, context.settings().max_images)
    answer = classify(sent.images, sent.top_k)
    if len(sent.images) == 1:
        body = _single(answer.outcomes[0])
    else:
        results = [_one_of_many(image, outcome) for image, outcome in zip(sent.images, answer.outcomes, strict=True)]
        model = context.classifier().name
        body = {"success": True, "model": model, "results": results, "request_id": g.request_id}
    response = jsonify(body)
    response.headers["Server-Timing"] = _server_timing(answer.timings)
    return response


def _server_timing(timings: Timings) -> str:
    parts = {"decode": timings.decode, "queue": timings.queue, "infer": timings.infer}
    return ", ".join(f"{name};dur={value:.2f}" for name, value in parts.items())


def _single(outcome: Sequence[Prediction] | ServiceError) -> dict[str, Any]:
    if isinstance(outcome, ServiceError):
        raise outcome
    return _success(outcome)


def _one_of_many(image: Upload, outcome: Sequence[Prediction] | ServiceError) -> dict[str, Any]:
    body = error_body(outcome) if isinstance(outcome, ServiceError) else _success(outcome)
    return {"filename": image.filename, **body}


def _success(predictions: Sequence[Prediction]) -> dict[str, Any]:
    return {
        "success": True,
        # `body` is JSON within JSON: clients of the service's predecessor expect it.
        "response": {"statusCode": 200, "body": json.dumps(predictions[0].label)},
        "model": context.classifier().name,
        "predictions": [vars(prediction) for prediction in predictions],
        "request_id": g.request_id,
    }
