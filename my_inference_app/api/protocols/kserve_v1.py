"""KServe's first protocol, which is that of TensorFlow Serving: `instances` in, `predictions` out."""

from __future__ import annotations

from functools import partial
from typing import TypedDict

from flask import Blueprint, Response, jsonify, request

from ...errors import NotReady, ServiceError
from .. import context
from ..classification import chosen, classify, results
from ..described import IMAGE_ERRORS, INSTANCES, ErrorText, Predicted, predicted
from ..explanations import Explanation, Wish, classify_for, explanations
from ..input import instances
from ..input.compressed import content
from ..input.upload import Uploads
from ..operation import JSON, Operation, operation

PREFIXES = ("/v1/models",)
_MODEL = "/v1/models/<path:name>"
_VERSION = "/v1/models/<path:name>/versions/<version>"

blueprint = Blueprint("kserve_v1", __name__)
_operation = partial(Operation, tag="KServe v1", error=ErrorText)


class KServeModels(TypedDict):
    models: list[str]


class KServeModel(TypedDict):
    name: str
    ready: bool


class KServeExplanations(TypedDict):
    explanations: list[list[Explanation]]
    model_name: str
    model_version: str


class KServePredictions(TypedDict):
    predictions: list[list[Predicted]]
    model_name: str
    model_version: str


def error_response(error: ServiceError) -> Response:
    body: ErrorText = {"error": str(error)}
    return jsonify(body)


@blueprint.get("/v1/models")
@operation(_operation("The names of the models", answers={JSON: KServeModels}))
def models() -> Response:
    return jsonify({"models": list(context.registry().names)})


@blueprint.get(_MODEL)
@blueprint.get(_VERSION)
@operation(_operation("Whether a model is ready", answers={JSON: KServeModel}, statuses=(503,)))
def model(name: str, version: str = "") -> Response:
    classifier = context.registry().find(name, version)
    if not classifier.ready:
        raise NotReady(f"{classifier.name} is loading: try again in a moment")
    return jsonify({"name": classifier.name, "ready": True})


@blueprint.post(f"{_MODEL}:predict")
@blueprint.post(f"{_VERSION}:predict")
@operation(_operation("Classify images", answers={JSON: KServePredictions}, bodies=INSTANCES, statuses=IMAGE_ERRORS))
def predict(name: str, version: str = "") -> Response:
    classifier, sent = chosen(name, version), _sent()
    found = results(classify(classifier, sent.images))
    body: KServePredictions = {
        "predictions": [[predicted(prediction) for prediction in result.top(sent.top_k)] for result in found],
        "model_name": classifier.name,
        "model_version": classifier.version,
    }
    return jsonify(body)


@blueprint.post(f"{_MODEL}:explain")
@blueprint.post(f"{_VERSION}:explain")
@operation(
    _operation(
        "Where in each image its most probable class is seen",
        answers={JSON: KServeExplanations},
        bodies=INSTANCES,
        statuses=(*IMAGE_ERRORS, 501),
    )
)
def explain(name: str, version: str = "") -> Response:
    classifier, sent, wish = chosen(name, version), _sent(), Wish()
    found = results(classify_for(wish, classifier, sent.images))
    body: KServeExplanations = {
        "explanations": [explanations(wish, classifier, result) for result in found],
        "model_name": classifier.name,
        "model_version": classifier.version,
    }
    return jsonify(body)


def _sent() -> Uploads:
    settings = context.settings()
    return instances.read(content(request, settings.max_upload_bytes), settings.max_images)
