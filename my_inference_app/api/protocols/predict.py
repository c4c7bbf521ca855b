"""POST /predict."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, current_app, g, jsonify, request

from ...errors import ServiceError, UrlsDisabled
from ...fetching.fetcher import Fetcher
from ...inference.classifier import Answer, Classifier, Prediction, Timings
from ...settings import Settings
from ..errors import error_body
from ..guard.admission import abandoned
from ..input import uploads
from ..input.uploads import Upload

blueprint = Blueprint("predict", __name__)


@blueprint.post("/predict")
def predict() -> Response:
    images, answer = classify_request()
    if len(images) == 1:
        body = _single(answer.outcomes[0])
    else:
        results = [_one_of_many(image, outcome) for image, outcome in zip(images, answer.outcomes, strict=True)]
        body = {"success": True, "model": classifier().name, "results": results, "request_id": g.request_id}
    response = jsonify(body)
    response.headers["Server-Timing"] = server_timing(answer.timings)
    return response


def classifier() -> Classifier:
    found: Classifier = current_app.extensions["classifier"]
    return found


def classify_request() -> tuple[list[Upload], Answer]:
    """The pictures of the current request and what they show."""
    settings: Settings = current_app.extensions["settings"]
    sent = uploads.read(request, settings.max_images)
    # Not counted as in flight yet: fetching ends by itself, and a remote server must not make a worker look hung.
    contents = _contents(sent.images, g.deadline)
    with current_app.extensions["in_flight"].request():
        pictures = [content for content in contents if isinstance(content, bytes)]
        answer = classifier().classify(pictures, sent.top_k, g.deadline, abandoned(request))
    outcomes = iter(answer.outcomes)
    merged = [next(outcomes) if isinstance(content, bytes) else content for content in contents]
    return sent.images, Answer(merged, answer.timings)


def _contents(images: Sequence[Upload], deadline: float) -> list[bytes | ServiceError]:
    """The bytes of all pictures, those behind URLs fetched, or why there are none."""
    urls = [image.url for image in images if image.url]
    if not urls:
        return [image.data for image in images]
    if not current_app.extensions["settings"].predict_urls:
        raise UrlsDisabled("this service does not fetch pictures: send the picture itself (PREDICT_URLS=1 allows URLs)")
    fetcher: Fetcher = current_app.extensions["fetcher"]
    fetched = iter(fetcher.fetch(urls, deadline, g.request_id))
    return [next(fetched) if image.url else image.data for image in images]


def server_timing(timings: Timings) -> str:
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
        # `body` is JSON within JSON, as the service this one grew out of answers.
        "response": {"statusCode": 200, "body": json.dumps(predictions[0].label)},
        "model": classifier().name,
        "predictions": [vars(prediction) for prediction in predictions],
        "request_id": g.request_id,
    }
