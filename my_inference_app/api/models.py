"""GET /models: which models are served, and in what state they are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TypedDict, cast

from flask import Blueprint, Response, jsonify, request

from ..bundles.doubt import Doubt
from ..inference.classifier import Classifier
from . import context
from .operation import JSON, Operation, Parameter, operation

blueprint = Blueprint("models", __name__)


class Input(TypedDict):
    size: list[int]
    shortest_edge: int | None
    interpolation: str
    mean: list[float]
    std: list[float]


class Features(TypedDict):
    """The last feature map. Models with one explain and embed images."""

    size: list[int]
    channels: int


class Calibration(TypedDict):
    """Of a calibrated model: how it doubts its answers."""

    photos: int
    coverage: float
    temperature: float


class ModelVersion(TypedDict):
    version: str
    source: dict[str, Any]
    license: str | None
    labels: int | list[str]
    input: Input
    engine: str
    precision: str
    replicas: int
    features: Features | None
    calibration: Calibration | None
    state: str
    queue_length: int


class Model(TypedDict):
    name: str
    versions: list[ModelVersion]


class Models(TypedDict):
    models: list[Model]
    default: str


_LABELS = Parameter("labels", "1 lists the labels instead of their number", {"enum": ["0", "1"]})


@blueprint.get("/models")
@operation(Operation("The models that are served", "Models", {JSON: Models}, parameters=(_LABELS,)))
def index() -> Response:
    registry = context.registry()
    body: Models = {"models": [_of_name(name) for name in registry.names], "default": registry.names[0]}
    return jsonify(body)


@blueprint.get("/models/<path:name>")
@operation(Operation("One model, in all its versions", "Models", {JSON: Model}, parameters=(_LABELS,)))
def one(name: str) -> Response:
    return jsonify(_of_name(name))


def _of_name(name: str) -> Model:
    versions = context.registry().versions(name)
    return {"name": versions[0].name, "versions": [_of_version(version) for version in versions]}


def _of_version(classifier: Classifier) -> ModelVersion:
    about = classifier.description
    labels = list(classifier.labels) if request.args.get("labels") == "1" else len(classifier.labels)
    return {
        "version": classifier.version,
        "source": dict(about.source),
        "license": about.license,
        "labels": labels,
        "input": cast(Input, asdict(about.input)),
        "engine": about.engine,
        "precision": about.precision,
        "replicas": about.replicas,
        "features": cast(Features, asdict(about.features)) if about.features else None,
        "calibration": _calibration(about.doubt),
        "state": "ready" if classifier.ready else "loading",
        "queue_length": classifier.waiting,
    }


def _calibration(doubt: Doubt | None) -> Calibration | None:
    if doubt is None:
        return None
    return {"photos": len(doubt.masses), "coverage": doubt.coverage, "temperature": doubt.temperature}
