"""The API that the clients of Hugging Face use: `POST /hf/<name>`, or `/hf` for the default model.

The request is an image, or `{"inputs": "<base64>", "parameters": {"top_k": 3, "function_to_apply": "sigmoid"}}`. The
response is a list of `{"label", "score"}`, best first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NotRequired, TypedDict

import numpy as np
from flask import Blueprint, Response, jsonify, request
from numpy.typing import NDArray

from ...errors import BadRequest, NoImage, NotReady, Overloaded, ServiceError
from ...inference.answers import Result, sigmoid, top_predictions
from ...inference.images.decode import looks_like_image
from ..classification import chosen, classify_one
from ..described import IMAGE_ERRORS, SMALL_IMAGE
from ..input.json_body import base64_bytes, parse
from ..input.raw_body import content
from ..input.upload import Upload, linked, read_top_k
from ..operation import JSON, Body, Operation, operation

_EXAMPLE = '{"inputs": "<base64>", "parameters": {"top_k": 3}}'
_SCORES: dict[str, Callable[[Result], NDArray[np.float64]]] = {
    "softmax": lambda result: result.probabilities,
    "sigmoid": lambda result: sigmoid(result.logits),
    "none": lambda result: result.logits.astype(np.float64),
}

PREFIXES = ("/hf",)

blueprint = Blueprint("huggingface", __name__, url_prefix="/hf")


class HuggingFaceParameters(TypedDict):
    top_k: NotRequired[int]
    function_to_apply: NotRequired[Literal["softmax", "sigmoid", "none"]]


class HuggingFaceRequest(TypedDict):
    inputs: str
    parameters: NotRequired[HuggingFaceParameters]


class HuggingFaceLabel(TypedDict):
    label: str
    score: float


class HuggingFaceInfo(TypedDict):
    model_id: str
    model_sha: str | None
    model_dtype: str
    model_pipeline_tag: str
    version: str


class HuggingFaceHealth(TypedDict):
    status: str


class HuggingFaceError(TypedDict):
    error: str


_REQUEST: HuggingFaceRequest = {"inputs": SMALL_IMAGE, "parameters": {"top_k": 3}}


@blueprint.post("", strict_slashes=False)
@blueprint.post("/<path:name>")
@operation(
    Operation(
        "Classify an image",
        "Hugging Face",
        {JSON: list[HuggingFaceLabel]},
        (Body("image/*", bytes), Body(JSON, HuggingFaceRequest, _REQUEST)),
        statuses=IMAGE_ERRORS,
        error=HuggingFaceError,
    )
)
def predict(name: str = "") -> Response:
    classifier = chosen(name)
    data = content(request)
    # Some clients label every body as JSON.
    body = _object(parse(data), "the JSON") if request.is_json and not looks_like_image(data) else None
    image = Upload(None, data) if body is None else _image(body)
    if not image.data and not image.url:
        raise NoImage(f"there is no image in the request: send it as the body, or as JSON: {_EXAMPLE}")
    parameters = _object((body or {}).get("parameters") or {}, "`parameters`")
    scores, top_k = _function(parameters), read_top_k(parameters.get("top_k"))
    result = classify_one(classifier, image)
    best = top_predictions(scores(result), result.labels, top_k)
    labels: list[HuggingFaceLabel] = [{"label": one.label, "score": one.score} for one in best]
    return jsonify(labels)


@blueprint.get("/info")
@blueprint.get("/<path:name>/info")
@operation(Operation("What the model is", "Hugging Face", {JSON: HuggingFaceInfo}, error=HuggingFaceError))
def info(name: str = "") -> Response:
    classifier = chosen(name)
    about = classifier.description
    found: HuggingFaceInfo = {
        "model_id": classifier.name,
        "model_sha": about.source.get("revision"),
        "model_dtype": about.precision,
        "model_pipeline_tag": "image-classification",
        "version": classifier.version,
    }
    return jsonify(found)


@blueprint.get("/health")
@blueprint.get("/<path:name>/health")
@operation(
    Operation(
        "Whether the model is ready", "Hugging Face", {JSON: HuggingFaceHealth}, statuses=(503,), error=HuggingFaceError
    )
)
def health(name: str = "") -> Response:
    if not chosen(name).ready:
        raise NotReady("the model is not ready yet")
    healthy: HuggingFaceHealth = {"status": "ok"}
    return jsonify(healthy)


def error_response(error: ServiceError) -> Response:
    body: HuggingFaceError = {"error": str(error)}
    response = jsonify(body)
    if isinstance(error, Overloaded):
        response.status_code = 429  # the JavaScript client repeats a 503 at once and for ever
    return response


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be an object: {_EXAMPLE}")
    return value


def _image(body: dict[str, Any]) -> Upload:
    inputs = body.get("inputs")
    if not isinstance(inputs, str):
        raise NoImage(f"`inputs` must be one image as base64: {_EXAMPLE}")
    if inputs.startswith(("http://", "https://")):
        return linked(inputs)
    return Upload(None, base64_bytes(inputs, "`inputs`"))


def _function(parameters: dict[str, Any]) -> Callable[[Result], NDArray[np.float64]]:
    name = parameters.get("function_to_apply") or "softmax"
    if not isinstance(name, str) or name not in _SCORES:
        raise BadRequest(f"`function_to_apply` must be one of {', '.join(_SCORES)}")
    return _SCORES[name]
