"""Predictions in the format of Vertex AI, at the address in AIP_PREDICT_ROUTE.

The request is `{"instances": [{"b64": "<base64>"}], "parameters": {"top_k": 3}}`. The response has one entry in
`predictions` for each instance. nginx answers Vertex AI's health check.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict, cast

from flask import Blueprint, Flask, Response, jsonify, request
from flask.blueprints import BlueprintSetupState

from ...errors import ServiceError
from ...inference.answers import Result
from ...inference.classifier import Classifier
from .. import context
from ..classification import chosen, classify
from ..described import IMAGE_ERRORS, INSTANCES, Predicted, predicted
from ..errors import ErrorDetails, error_body
from ..input import instances
from ..input.raw_body import content
from ..operation import JSON, Operation, operation

blueprint = Blueprint("vertex", __name__)


@blueprint.record
def _add_route(state: BlueprintSetupState) -> None:
    with cast(Flask, state.app).app_context():
        route = context.settings().aip_predict_route
    state.add_url_rule(route, view_func=predict, methods=["POST"])


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
        INSTANCES,
        statuses=IMAGE_ERRORS,
    )
)
def predict() -> Response:
    sent = instances.read(content(request), context.settings().max_images)
    classifier = chosen()
    answer = classify(classifier, sent.images)
    if len(sent.images) == 1 and isinstance(answer.outcomes[0], ServiceError):
        raise answer.outcomes[0]
    body: VertexAnswer = {"predictions": [_prediction(classifier, outcome, sent.top_k) for outcome in answer.outcomes]}
    return jsonify(body)


def _prediction(classifier: Classifier, outcome: Result | ServiceError, top_k: int) -> VertexPrediction:
    if isinstance(outcome, ServiceError):
        return {"error": error_body(outcome)["error"]}
    return {"model": classifier.name, "predictions": [predicted(prediction) for prediction in outcome.top(top_k)]}
