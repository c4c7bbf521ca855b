"""The Open Inference Protocol (KServe v2), with the extensions of Triton that `extensions` names."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Blueprint, Response, jsonify, request

from ... import __version__
from ...errors import BadRequest, NotReady, ServiceError
from ...inference.classifier import Classifier
from .. import context
from ..classification import chosen, classify, results
from ..described import IMAGE_ERRORS, SMALL_IMAGE, ErrorText
from ..input.compressed import content
from ..input.json_body import parse
from ..operation import JSON, Body, Operation, operation
from ..tensors import description, response, types
from ..tensors.images import images
from ..tensors.request import read
from ..tensors.statistics import statistics

PREFIXES = ("/v2",)
_EXTENSIONS = ["binary_tensor_data", "classification", "model_configuration", "model_repository", "statistics"]
_MODEL = "/v2/models/<path:name>"
_VERSION = "/v2/models/<path:name>/versions/<version>"

_EXAMPLE = {
    "inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": [SMALL_IMAGE]}],
    "outputs": [{"name": "probabilities", "parameters": {"classification": 3}}],
}

blueprint = Blueprint("open_inference", __name__)
_operation = partial(Operation, tag="Open Inference Protocol", error=ErrorText)


def error_response(error: ServiceError) -> Response:
    body: ErrorText = {"error": str(error)}
    return jsonify(body)


@blueprint.get("/v2", strict_slashes=False)
@operation(_operation("Name, version and extensions of the server", answers={JSON: types.ServerMetadata}))
def server() -> Response:
    body: types.ServerMetadata = {"name": "my_inference_app", "version": __version__, "extensions": _EXTENSIONS}
    return jsonify(body)


@blueprint.get("/v2/health/live")
@operation(_operation("Whether the server lives", answers={JSON: types.Live}))
def live() -> Response:
    return jsonify({"live": True})


@blueprint.get("/v2/health/ready")
@operation(_operation("Whether all models are ready", answers={JSON: types.Ready}, statuses=(503,)))
def ready() -> Response:
    return _readiness(context.registry().classifiers)


@blueprint.get(f"{_MODEL}/ready")
@blueprint.get(f"{_VERSION}/ready")
@operation(_operation("Whether a model is ready", answers={JSON: types.Ready}, statuses=(503,)))
def model_ready(name: str, version: str = "") -> Response:
    return _readiness(_served(name, version))


@blueprint.get("/v2/models")
@operation(_operation("The names of the models", answers={JSON: types.ModelNames}))
def models() -> Response:
    return jsonify({"models": list(context.registry().names)})


@blueprint.get(_MODEL)
@blueprint.get(_VERSION)
@operation(_operation("Versions, input and output of a model", answers={JSON: types.ModelMetadata}))
def model(name: str, version: str = "") -> Response:
    return jsonify(description.metadata(_served(name, version)))


@blueprint.get(f"{_MODEL}/config")
@blueprint.get(f"{_VERSION}/config")
@operation(_operation("The configuration of a model, as Triton has it", answers={JSON: types.ModelConfig}))
def config(name: str, version: str = "") -> Response:
    return jsonify(description.config(_served(name, version), context.settings().max_images))


@blueprint.get("/v2/models/stats")
@blueprint.get(f"{_MODEL}/stats")
@blueprint.get(f"{_VERSION}/stats")
@operation(_operation("What all workers have computed since the start", answers={JSON: types.Statistics}))
def stats(name: str = "", version: str = "") -> Response:
    return jsonify(statistics(_served(name, version) if name else context.registry().classifiers))


@blueprint.post("/v2/repository/index")
@operation(
    _operation(
        "Every version of the models, and its state",
        answers={JSON: list[types.IndexEntry]},
        bodies=(Body(JSON, types.IndexRequest, {"ready": True}),),
    )
)
def index() -> Response:
    body = _body()
    only_ready = isinstance(sent := parse(body) if body else {}, dict) and sent.get("ready") is True
    found = [_entry(classifier) for classifier in context.registry().classifiers if classifier.ready or not only_ready]
    return jsonify(found)


@blueprint.post("/v2/repository/models/<path:name>/load")
@blueprint.post("/v2/repository/models/<path:name>/unload")
@operation(_operation("Refused: models are not changed by requests", answers={JSON: dict[str, Any]}))
def load(name: str) -> Response:
    context.registry().versions(name)
    raise BadRequest("models are not loaded or unloaded by requests: whoever runs the service chooses them")


@blueprint.post(f"{_MODEL}/infer")
@blueprint.post(f"{_VERSION}/infer")
@operation(
    _operation(
        "Classify images: files, or pixels of the size that the model takes",
        answers={JSON: types.InferenceResponse, "application/octet-stream": bytes},
        bodies=(Body(JSON, types.InferenceRequest, _EXAMPLE), Body("application/octet-stream", bytes)),
        statuses=(*IMAGE_ERRORS, 501),
    )
)
def infer(name: str, version: str = "") -> Response:
    classifier = chosen(name, version)
    sent = read(_body(), request, response.DEFAULT)
    response.check(sent.outputs)
    pictures = images(sent.tensor, classifier.description.input, context.settings().max_images)
    body: types.InferenceResponse = {"model_name": classifier.name, "model_version": classifier.version, "outputs": []}
    if sent.id:
        body["id"] = sent.id
    answer = classify(classifier, pictures, response.detail(sent.outputs))
    return response.respond(body, sent.outputs, results(answer))


def _body() -> bytes:
    return content(request, context.settings().max_upload_bytes)


def _served(name: str, version: str) -> tuple[Classifier, ...]:
    """All versions of a model that are served, or the one that the address names."""
    registry = context.registry()
    return (registry.find(name, version),) if version else registry.versions(name)


def _readiness(classifiers: tuple[Classifier, ...]) -> Response:
    if not all(classifier.ready for classifier in classifiers):
        raise NotReady("the model is loading: try again in a moment")
    return jsonify({"ready": True})


def _entry(classifier: Classifier) -> types.IndexEntry:
    state = "READY" if classifier.ready else "LOADING"
    return {"name": classifier.name, "version": classifier.version, "state": state, "reason": ""}
