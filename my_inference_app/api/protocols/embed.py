"""POST /embed: the features that the model classifies an image by, as JSON or as raw float32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import numpy as np
from flask import Blueprint, Response, g, jsonify, request
from numpy.typing import NDArray

from ...errors import BadRequest, ServiceError, raised
from ...inference.answers import Detail, Result
from ...inference.explain import embedding
from .. import context
from ..classification import chosen, classify
from ..described import IMAGE_ERRORS, IMAGES, MODEL, VERSION
from ..errors import ErrorDetails, error_body
from ..input.reader import read
from ..operation import JSON, Operation, Parameter, operation

blueprint = Blueprint("embed", __name__)

Vector = NDArray[np.float32]
_RAW = "application/octet-stream"
_NORMALIZE = Parameter("normalize", "1 gives vectors of length 1", {"enum": ["0", "1"]}, "1")


class Model(TypedDict):
    model: str
    version: str


class Embedded(TypedDict):
    success: bool
    model: str
    version: str
    embedding: list[float]
    request_id: str


class Vectors(TypedDict):
    """One of several images: its vector, or its error."""

    filename: str | None
    success: bool
    embedding: NotRequired[list[float]]
    error: NotRequired[ErrorDetails]
    request_id: NotRequired[str]


class SeveralEmbedded(TypedDict):
    success: bool
    model: str
    version: str
    results: list[Vectors]
    request_id: str


@blueprint.post("/embed")
@blueprint.post("/embed/<path:name>")
@operation(
    Operation(
        "The features that a model classifies images by. One image gets one vector, several get a list of `results`",
        "Predictions",
        {JSON: Embedded | SeveralEmbedded, _RAW: bytes},
        IMAGES,
        (_NORMALIZE, MODEL, VERSION),
        (*IMAGE_ERRORS, 501),
    )
)
def embed(name: str = "") -> Response:
    classifier = chosen(name)
    normalize = _switch(request.args.get("normalize", "0"))
    sent = read(request, context.settings().max_images)
    answer = classify(classifier, sent.images, Detail.FEATURES)
    vectors = [_vector(outcome, normalize) for outcome in answer.outcomes]
    model: Model = {"model": classifier.name, "version": classifier.version}
    if request.accept_mimetypes.best_match(["application/json", _RAW]) == _RAW:
        return _raw(vectors)
    body: Embedded | SeveralEmbedded
    if len(vectors) == 1:
        body = {"success": True, "embedding": raised(vectors[0]).tolist(), **model, "request_id": g.request_id}
    else:
        results = [_entry(image.filename, vector) for image, vector in zip(sent.images, vectors, strict=True)]
        body = {"success": True, "results": results, **model, "request_id": g.request_id}
    return jsonify(body)


def _switch(value: str) -> bool:
    if value not in ("0", "1"):
        raise BadRequest("normalize must be 0 or 1")
    return value == "1"


def _vector(outcome: Result | ServiceError, normalize: bool) -> Vector | ServiceError:
    return outcome if isinstance(outcome, ServiceError) else embedding(outcome, normalize=normalize)


def _entry(filename: str | None, vector: Vector | ServiceError) -> Vectors:
    if isinstance(vector, ServiceError):
        failed = error_body(vector)
        return {"filename": filename, "success": False, "error": failed["error"], "request_id": failed["request_id"]}
    return {"filename": filename, "success": True, "embedding": vector.tolist()}


def _raw(vectors: Sequence[Vector | ServiceError]) -> Response:
    """One row an image, little-endian. There is no place for an error in it, so one image that fails fails all."""
    table = np.stack([raised(vector) for vector in vectors]).astype("<f4")
    response = Response(table.tobytes(), mimetype=_RAW)
    response.headers["X-Shape"] = ",".join(map(str, table.shape))
    return response
