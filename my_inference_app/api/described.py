"""Types and descriptions that several routes share."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from ..inference.answers import Prediction
from .operation import JSON, Body, Parameter

# One grey pixel.
SMALL_IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="


class Predicted(TypedDict):
    """One class of an image's answer, as in inference/answers.py."""

    label: str
    score: float
    class_id: int


def predicted(prediction: Prediction) -> Predicted:
    return {"label": prediction.label, "score": prediction.score, "class_id": prediction.class_id}


class JsonImages(TypedDict):
    """What api/input/json_body.py reads."""

    image: NotRequired[str | list[str]]
    url: NotRequired[str | list[str]]
    top_k: NotRequired[int]


class Instance(TypedDict):
    b64: str


class Parameters(TypedDict):
    top_k: NotRequired[int]


class Instances(TypedDict):
    """What api/input/instances.py reads."""

    instances: list[Instance]
    parameters: NotRequired[Parameters]


class ErrorText(TypedDict):
    """The error of a protocol that has nothing but a text for it."""

    error: str


FILES: dict[str, Any] = {
    "type": "object",
    "properties": {
        "image": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "url": {"type": "array", "items": {"type": "string"}},
        "top_k": {"type": "integer", "minimum": 1, "maximum": 1000},
    },
}
IMAGES = (
    Body("multipart/form-data", FILES),
    Body(JSON, JsonImages, {"image": SMALL_IMAGE, "top_k": 3}),
    Body("image/*", bytes),
)
INSTANCES = (Body(JSON, Instances, {"instances": [{"b64": SMALL_IMAGE}], "parameters": {"top_k": 3}}),)
TOP_K = Parameter(
    "top_k", "how many classes an answer has", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 5}, 3
)
MODEL = Parameter("model", "name of a model; the default is the first of `GET /models`")
VERSION = Parameter("version", "version of the model; otherwise one of those served, as their weights say")
# Of a request with images.
IMAGE_ERRORS = (404, 415, 422)
