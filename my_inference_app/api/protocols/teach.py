"""Models that are taught: POST makes one of its photos, GET says how far and how good it is, DELETE removes it."""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify, request

from ...errors import BadRequest, Conflict, ModelNotFound
from ...teaching import models
from ...teaching.names import checked_model
from ...teaching.orders import Order
from .. import context
from ..guard.teachers import refuse_without_right
from ..operation import JSON, Operation, Parameter, operation
from ..teaching import EXAMPLES, Deleted, Taught, deleted, described

blueprint = Blueprint("teach", __name__, url_prefix="/teach")
blueprint.before_request(refuse_without_right)

_ESTIMATE = Parameter("estimate", "1 only says how good the model would be", {"enum": ["0", "1"]}, "1")
_PARENT = Parameter("model", "name of the served model to teach it from; the default is the first of `GET /models`")
_FEWEST = 2
_STOPPING = 20.0
"""Seconds that a model which is being made may take to stop."""


@blueprint.post("/<taught>")
@operation(
    Operation(
        "Make the model of the photos that are there, and serve it. `GET` says how far it is",
        "Teaching",
        {JSON: Taught},
        parameters=(_ESTIMATE, _PARENT),
        statuses=(409, 507),
        status=202,
        taught=True,
        path_examples=EXAMPLES,
    )
)
def post(taught: str) -> tuple[Response, int]:
    name, estimate = checked_model(taught), request.args.get("estimate", "0")
    if estimate not in ("0", "1"):
        raise BadRequest("estimate must be 0 or 1")
    settings, album, orders = context.settings(), context.album(), context.orders()
    models.refuse_name_of_another(settings, name)
    if estimate == "0":
        models.refuse_one_more(settings, name)
    order = Order(name, str(models.parent(settings, request.args.get("model", ""))), estimate == "1")
    with album.locked():
        _refuse_too_few(name, album.classes(name))
        orders.refuse_another(name)
        album.copy(name, orders.photos)
        orders.place(order)
    return _answer(described(name)), 202


def _refuse_too_few(name: str, classes: dict[str, int]) -> None:
    if not classes:
        raise ModelNotFound(f"there are no photos of {name}: PUT some to /teach/{name}/CLASS, of at least two classes")
    few = [label for label, photos in classes.items() if photos < _FEWEST]
    if len(classes) < _FEWEST:
        raise Conflict(f"there is one class, {next(iter(classes))!r}: PUT photos of another one as well")
    if few:
        raise Conflict(f"the class {few[0]!r} has one photo: at least {_FEWEST} are needed, better five or more")


@blueprint.get("/<taught>")
@operation(
    Operation(
        "How far a model is that is taught, how good it is, and which photos are there",
        "Teaching",
        {JSON: Taught},
        statuses=(400,),
        taught=True,
        path_examples=EXAMPLES,
    )
)
def get(taught: str) -> Response:
    return _answer(described(checked_model(taught)))


def _answer(body: Taught) -> Response:
    response = jsonify({**body, "request_id": g.request_id})
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.delete("/<taught>")
@operation(
    Operation(
        "Remove a taught model in all its versions, with the photos that are left",
        "Teaching",
        {JSON: Deleted},
        statuses=(400, 409),
        taught=True,
        path_examples=EXAMPLES,
    )
)
def delete(taught: str) -> Response:
    name = checked_model(taught)
    context.orders().stop(name, _STOPPING)
    found = [models.delete(context.settings(), name)]
    if found[0]:
        context.orders().ask_for_reload()
    found += [context.album().remove(name), context.orders().forget(name)]
    return deleted(name, found)
