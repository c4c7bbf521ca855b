"""The ML backend API of Label Studio, at `/label-studio`, or `/label-studio/<name>` for another model than the default.

A project's configuration has one image and one choice. The prediction for a task is the choice that the model finds
most likely.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, jsonify, request

from ...errors import BadRequest, ServiceError
from ...inference.answers import Result
from ...inference.classifier import Classifier
from .. import context
from ..classification import chosen, classify
from ..described import IMAGE_ERRORS, SMALL_IMAGE
from ..errors import count
from ..input.json_body import parse
from ..input.label_config import Labelling, labelling_of
from ..input.label_tasks import images_of
from ..input.raw_body import content
from ..input.upload import Upload
from ..label_studio_types import (
    StudioAnswer,
    StudioError,
    StudioHealth,
    StudioPrediction,
    StudioRegion,
    StudioRequest,
    StudioSetup,
    StudioVersion,
)
from ..operation import JSON, Body, Operation, operation

PREFIXES = ("/label-studio",)

_MOST_TASKS = 1000
_CONFIGURATION = (
    '<View><Image name="image" value="$image"/><Choices name="choice" toName="image" value="$choices"/></View>'
)
_TASK = {"id": 1, "data": {"image": f"data:image/png;base64,{SMALL_IMAGE}"}}

blueprint = Blueprint("label_studio", __name__, url_prefix="/label-studio")


@blueprint.get("/health")
@blueprint.get("/<path:name>/health")
@operation(Operation("Whether the service is up", "Label Studio", {JSON: StudioHealth}, error=StudioError))
def health(name: str = "") -> Response:
    return jsonify({"status": "UP", "model_class": chosen(name).name})


@blueprint.post("/setup")
@blueprint.post("/<path:name>/setup")
@operation(
    Operation(
        "Check that a labelling configuration fits the model",
        "Label Studio",
        {JSON: StudioVersion},
        (Body(JSON, StudioSetup, {"project": "1.1764565000", "schema": _CONFIGURATION}),),
        error=StudioError,
    )
)
def setup(name: str = "") -> Response:
    """The host and the token in this request are not used: LABEL_STUDIO_URL and LABEL_STUDIO_TOKEN are."""
    classifier = chosen(name)
    labelling_of(_body().get("schema")).classes_of(classifier.labels)
    return jsonify({"model_version": _version(classifier)})


@blueprint.post("/predict")
@blueprint.post("/<path:name>/predict")
@operation(
    Operation(
        "Predict the choice of each task",
        "Label Studio",
        {JSON: StudioAnswer},
        (Body(JSON, StudioRequest, {"tasks": [_TASK], "label_config": _CONFIGURATION}),),
        statuses=IMAGE_ERRORS,
        error=StudioError,
    )
)
def predict(name: str = "") -> Response:
    classifier = chosen(name)
    body = _body()
    labelling = labelling_of(body.get("label_config"))
    classes = labelling.classes_of(classifier.labels)
    tasks = body.get("tasks")
    if not isinstance(tasks, list):
        raise BadRequest("`tasks` must be a list")
    if len(tasks) > _MOST_TASKS:
        raise BadRequest(f"{len(tasks)} tasks in one request: send {_MOST_TASKS} at most")
    most = context.settings().max_images
    outcomes: list[Result | ServiceError] = []
    for start in range(0, len(tasks), most):
        outcomes += _classified(classifier, labelling, tasks[start : start + most])
    if len(outcomes) == 1 and isinstance(outcomes[0], ServiceError):
        raise outcomes[0]
    version = _version(classifier)
    results = [_prediction(labelling, classes, version, outcome) for outcome in outcomes]
    answer: StudioAnswer = {"results": results, "model_version": version}
    return jsonify(answer)


def error_response(error: ServiceError) -> Response:
    return jsonify({"error": str(error)})


def _version(classifier: Classifier) -> str:
    return f"{classifier.name} {classifier.version}"


def _body() -> dict[str, Any]:
    body = parse(content(request))
    if not isinstance(body, dict):
        raise BadRequest("the JSON must be an object")
    return body


def _classified(classifier: Classifier, labelling: Labelling, tasks: Sequence[Any]) -> list[Result | ServiceError]:
    images = images_of(tasks, labelling)
    outcomes = iter(classify(classifier, [image for image in images if isinstance(image, Upload)]).outcomes)
    return [image if isinstance(image, ServiceError) else next(outcomes) for image in images]


def _prediction(
    labelling: Labelling, classes: dict[str, list[int]], version: str, outcome: Result | ServiceError
) -> StudioPrediction:
    if isinstance(outcome, ServiceError):
        count(outcome)
        return {"result": [], "score": 0.0, "model_version": version, "error": str(outcome)}
    choice, score = labelling.best(outcome, classes)
    region: StudioRegion = {
        "from_name": labelling.choices_name,
        "to_name": labelling.image_name,
        "type": "choices",
        "value": {"choices": [choice]},
        "score": score,
    }
    return {"result": [region], "score": score, "model_version": version}
