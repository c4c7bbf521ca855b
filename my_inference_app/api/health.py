"""Whether the process is alive, and whether it can answer."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify

from ..errors import NotReady
from .context import classifier

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    return jsonify(status="alive")


@blueprint.get("/readyz")
def ready() -> Response:
    if current_app.extensions["stopping"]():
        raise NotReady("the server is stopping")
    if not classifier().ready:
        raise NotReady("the model is not ready yet")
    return jsonify(status="ready", model=classifier().name)
