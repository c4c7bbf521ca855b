"""TorchServe's inference API: `/predictions/<name>`, with or without a version behind it.

The image is the body or the field `data` of a form. The response is an object of the five best labels and their
probabilities. TorchServe's health check and its list of models are on the management port.
"""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, jsonify, request

from ... import torchserve
from ...errors import ServiceError, raised
from ...inference.classifier import Classifier
from .. import context, openapi
from ..classification import classify_one
from ..described import IMAGE_ERRORS
from ..explanations import Explanation, Wish, classify_for, explanations
from ..input.multipart_form import text_field
from ..input.reader import read
from ..input.upload import Upload
from ..operation import JSON, Body, Operation, operation

PREFIXES = ("/predictions", "/explanations")

_TOP_K = 5
_FORM = {"type": "object", "properties": {"data": {"type": "string", "format": "binary"}}, "required": ["data"]}
_BODIES = (Body("image/*", bytes), Body("multipart/form-data", _FORM))

blueprint = Blueprint("torchserve", __name__)


@blueprint.route("/predictions/<path:name>", methods=["POST", "PUT"])
@operation(
    Operation(
        "The five best labels of an image, and their probabilities",
        "TorchServe",
        {JSON: dict[str, float]},
        _BODIES,
        statuses=IMAGE_ERRORS,
        error=torchserve.TorchServeError,
    )
)
def predict(name: str) -> Response:
    best = classify_one(_found(name), _image()).top(_TOP_K)
    found: dict[str, float] = {}
    for prediction in best:
        found.setdefault(prediction.label, prediction.score)  # several classes may have one label
    # jsonify would sort by label.
    return Response(json.dumps(found) + "\n", content_type="application/json")


@blueprint.route("/explanations/<path:name>", methods=["POST", "PUT"])
@operation(
    Operation(
        "Where in the image its most probable class is seen",
        "TorchServe",
        {JSON: list[Explanation]},
        _BODIES,
        statuses=(*IMAGE_ERRORS, 501),
        error=torchserve.TorchServeError,
    )
)
def explain(name: str) -> Response:
    classifier, wish = _found(name), Wish()
    outcome = classify_for(wish, classifier, [_image()]).outcomes[0]
    return jsonify(explanations(wish, classifier, raised(outcome)))


@blueprint.route("/", methods=["OPTIONS"])
@operation(Operation("The part of this document that is about TorchServe", "TorchServe", {JSON: dict[str, Any]}))
def describe() -> Response:
    document = openapi.describe()
    paths = {path: methods for path, methods in document["paths"].items() if path.startswith(PREFIXES)}
    return jsonify({**document, "paths": paths})


def error_response(error: ServiceError) -> Response:
    return jsonify(torchserve.error_body(error))


def _found(path: str) -> Classifier:
    """The last part of the path may be a version. A name may contain slashes too."""
    registry = context.registry()
    name, _, version = path.rpartition("/")
    return registry.find(name, version) if path not in registry and name in registry else registry.find(path)


def _image() -> Upload:
    data = text_field(request, "data") or text_field(request, "body")
    return Upload(None, data) if data else read(request, max_images=1).images[0]
