"""Predictions in the format of Vertex AI, at the address in AIP_PREDICT_ROUTE.

The request is `{"instances": [{"b64": "<base64>"}], "parameters": {"top_k": 3}}`. The response has one entry in
`predictions` for each instance. nginx answers Vertex AI's health check.
"""

from __future__ import annotations

from base64 import b64decode
from typing import NotRequired, TypedDict, cast

from flask import Blueprint, Flask, Response, jsonify, request
from flask.blueprints import BlueprintSetupState

from ...errors import BadRequest, NoImage, ServiceError
from ...inference.answers import Result
from ...inference.classifier import Classifier
from .. import context
from ..classification import chosen, classify
from ..described import IMAGE_ERRORS, SMALL_IMAGE, Predicted, predicted
from ..errors import ErrorDetails, error_body
from ..input.json_body import parse
from ..input.raw_body import content
from ..input.upload import Upload, read_top_k
from ..operation import JSON, Body, Operation, operation

_EXAMPLE = '{"instances": [{"b64": "<base64>"}]}'

blueprint = Blueprint("vertex", __name__)


@blueprint.record
def _add_route(state: BlueprintSetupState) -> None:
    with cast(Flask, state.app).app_context():
        route = context.settings().aip_predict_route
    state.add_url_rule(route, view_func=predict, methods=["POST"])


class Instance(TypedDict):
    b64: str


class Parameters(TypedDict):
    top_k: NotRequired[int]


class VertexRequest(TypedDict):
    instances: list[Instance]
    parameters: NotRequired[Parameters]


class VertexPrediction(TypedDict):
    model: NotRequired[str]
    predictions: NotRequired[list[Predicted]]
    error: NotRequired[ErrorDetails]


class VertexAnswer(TypedDict):
    predictions: list[VertexPrediction]


@operation(
    Operation(
        "Classify images in the format of Vertex AI",
        "Vertex AI",
        {JSON: VertexAnswer},
        (Body(JSON, VertexRequest, {"instances": [{"b64": SMALL_IMAGE}], "parameters": {"top_k": 3}}),),
        statuses=IMAGE_ERRORS,
    )
)
def predict() -> Response:
    sent = parse(content(request))
    if not isinstance(sent, dict):
        raise BadRequest(f"the JSON must be an object: {_EXAMPLE}")
    images, top_k = _images(sent.get("instances")), _top_k(sent.get("parameters"))
    classifier = chosen()
    answer = classify(classifier, images)
    if len(images) == 1 and isinstance(answer.outcomes[0], ServiceError):
        raise answer.outcomes[0]
    body: VertexAnswer = {"predictions": [_prediction(classifier, outcome, top_k) for outcome in answer.outcomes]}
    return jsonify(body)


def _images(instances: object) -> list[Upload]:
    most = context.settings().max_images
    if not isinstance(instances, list) or not instances:
        raise NoImage(f"there are no `instances` in the JSON: send {_EXAMPLE}")
    if len(instances) > most:
        raise BadRequest(f"{len(instances)} instances in one request: send {most} at most")
    return [Upload(None, _data(instance, number)) for number, instance in enumerate(instances, start=1)]


def _data(instance: object, number: int) -> bytes:
    text = instance.get("b64") if isinstance(instance, dict) else None
    if not isinstance(text, str):
        raise BadRequest(f'instance number {number} has no `b64`: send {{"b64": "<base64>"}}')
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise BadRequest(f"`b64` of instance number {number} is not valid base64") from None


def _top_k(parameters: object) -> int:
    if parameters is not None and not isinstance(parameters, dict):
        raise BadRequest('`parameters` must be an object: {"top_k": 3}')
    return read_top_k((parameters or {}).get("top_k"))


def _prediction(classifier: Classifier, outcome: Result | ServiceError, top_k: int) -> VertexPrediction:
    if isinstance(outcome, ServiceError):
        return {"error": error_body(outcome)["error"]}
    return {"model": classifier.name, "predictions": [predicted(prediction) for prediction in outcome.top(top_k)]}
