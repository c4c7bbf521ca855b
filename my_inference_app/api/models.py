"""GET /models: which models are served, and in what state they are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from ..inference.classifier import Classifier
from . import context

blueprint = Blueprint("models", __name__)


@blueprint.get("/models")
def index() -> Response:
    registry = context.registry()
    return jsonify({"models": [_of_name(name) for name in registry.names], "default": registry.names[0]})


@blueprint.get("/models/<path:name>")
def one(name: str) -> Response:
    return jsonify(_of_name(name))


def _of_name(name: str) -> dict[str, Any]:
    versions = context.registry().versions(name)
    return {"name": versions[0].name, "versions": [_of_version(version) for version in versions]}


def _of_version(classifier: Classifier) -> dict[str, Any]:
    about = classifier.description
    labels = list(classifier.labels) if request.args.get("labels") == "1" else len(classifier.labels)
    return {
        "version": classifier.version,
        "source": dict(about.source),
        "license": about.license,
        "labels": labels,
        "input": asdict(about.input),
        "engine": about.engine,
        "precision": about.precision,
        "replicas": about.replicas,
        "state": "ready" if classifier.ready else "loading",
        "queue_length": classifier.waiting,
    }
