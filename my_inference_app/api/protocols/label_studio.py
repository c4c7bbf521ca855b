"""The ML backend API of Label Studio, at `/label-studio`, or `/label-studio/<name>` for another model than the default.

A project's configuration has one image and one choice. The prediction for a task is the choice that the model finds
most likely.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from ...errors import BadRequest, ServiceError, UrlsDisabled
from ...inference.answers import Result
from ...inference.classifier import Classifier
from .. import context
from ..classification import chosen, classify
from ..errors import count
from ..input.json_body import base64_bytes, parse
from ..input.label_config import Labelling, labelling_of
from ..input.raw_body import content
from ..input.upload import Upload, linked

PREFIXES = ("/label-studio",)

blueprint = Blueprint("label_studio", __name__, url_prefix="/label-studio")


@blueprint.get("/health")
@blueprint.get("/<path:name>/health")
def health(name: str = "") -> Response:
    return jsonify({"status": "UP", "model_class": chosen(name).name})


@blueprint.post("/setup")
@blueprint.post("/<path:name>/setup")
def setup(name: str = "") -> Response:
    """The host and the token in this request are not used: LABEL_STUDIO_URL and LABEL_STUDIO_TOKEN are."""
    classifier = chosen(name)
    labelling_of(_body().get("schema")).classes_of(classifier.labels)
    return jsonify({"model_version": _version(classifier)})


@blueprint.post("/predict")
@blueprint.post("/<path:name>/predict")
def predict(name: str = "") -> Response:
    classifier = chosen(name)
    body = _body()
    labelling = labelling_of(body.get("label_config"))
    classes = labelling.classes_of(classifier.labels)
    tasks = body.get("tasks")
    if not isinstance(tasks, list):
        raise BadRequest("`tasks` must be a list")
    most = context.settings().max_images
    outcomes: list[Result | ServiceError] = []
    for start in range(0, len(tasks), most):
        outcomes += _classified(classifier, labelling, tasks[start : start + most])
    if len(outcomes) == 1 and isinstance(outcomes[0], ServiceError):
        raise outcomes[0]
    version = _version(classifier)
    results = [{**_prediction(labelling, classes, outcome), "model_version": version} for outcome in outcomes]
    return jsonify({"results": results, "model_version": version})


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
    images = _with_uploads([_image(labelling, task) for task in tasks])
    outcomes = iter(classify(classifier, [image for image in images if isinstance(image, Upload)]).outcomes)
    return [image if isinstance(image, ServiceError) else next(outcomes) for image in images]


def _image(labelling: Labelling, task: Any) -> Upload | ServiceError | str:
    """A string is the address of an image that was uploaded to Label Studio."""
    data = task.get("data") if isinstance(task, dict) else None
    value = data.get(labelling.image_key) if isinstance(data, dict) else None
    if not isinstance(value, str) or not value:
        return BadRequest(f"a task has no `{labelling.image_key}` in its data, which the configuration names")
    studio = context.label_studio()
    try:
        if value.startswith("data:"):
            return Upload(None, base64_bytes(value, f"`{labelling.image_key}` of a task"))
        if address := studio.address_of(value):
            return address
        if not context.settings().predict_urls:
            return UrlsDisabled("this service does not fetch images from other servers (PREDICT_URLS=1 allows it)")
        return linked(value)
    except ServiceError as error:
        return error


def _with_uploads(images: Sequence[Upload | ServiceError | str]) -> list[Upload | ServiceError]:
    """Fetches what lies in Label Studio."""
    addresses = [image for image in images if isinstance(image, str)]
    fetched = iter(context.label_studio().fetch(addresses, context.deadline(), g.request_id) if addresses else ())
    found: list[Upload | ServiceError] = []
    for image in images:
        item = next(fetched) if isinstance(image, str) else image
        found.append(Upload(None, item) if isinstance(item, bytes) else item)
    return found


def _prediction(labelling: Labelling, classes: dict[str, list[int]], outcome: Result | ServiceError) -> dict[str, Any]:
    if isinstance(outcome, ServiceError):
        count(outcome)
        return {"result": [], "score": 0.0, "error": str(outcome)}
    choice, score = labelling.best(outcome, classes)
    region = {
        "from_name": labelling.choices_name,
        "to_name": labelling.image_name,
        "type": "choices",
        "value": {"choices": [choice]},
        "score": score,
    }
    return {"result": [region], "score": score}
