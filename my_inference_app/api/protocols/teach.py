"""Teaching over HTTP: PUT photos into classes, POST to make a model of them, GET how far it is and how good, DELETE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from flask import Blueprint, Response, g, jsonify, request

from ...errors import BadRequest, Conflict, ModelNotFound, ServiceError, raised
from ...teaching import models, photo
from ...teaching.names import checked_label, checked_model
from ...teaching.orders import Order
from ...teaching.photo import Photo
from .. import context
from ..classification import contents
from ..described import IMAGE_ERRORS, IMAGES
from ..errors import ErrorDetails, error_body
from ..guard.teachers import refuse_without_right
from ..input.reader import read
from ..input.upload import Upload
from ..operation import JSON, Operation, Parameter, operation
from ..teaching import Taught, described

blueprint = Blueprint("teach", __name__, url_prefix="/teach")
blueprint.before_request(refuse_without_right)

_NAMES = {"taught": "my-cats", "label": "tabby cat", "photo": "0" * 64}
_ESTIMATE = Parameter("estimate", "1 only says how good the model would be", {"enum": ["0", "1"]}, "1")
_PARENT = Parameter("model", "name of the served model to teach it from; the default is the first of `GET /models`")
_FEWEST = 2
_STOPPING = 20.0
"""Seconds that a model which is being made may take to stop."""


class Kept(TypedDict):
    """One of the photos of a request: its id, or its error."""

    filename: str | None
    success: bool
    photo: NotRequired[str]
    error: NotRequired[ErrorDetails]


class Added(TypedDict):
    name: str
    label: str
    added: int
    """How many are new."""
    classes: dict[str, int]
    results: list[Kept]
    request_id: str


class Deleted(TypedDict):
    name: str
    deleted: bool
    classes: dict[str, int]
    request_id: str


@blueprint.put("/<taught>/<label>")
@operation(
    Operation(
        "Add photos to a class of a model that is taught",
        "Teaching",
        {JSON: Added},
        IMAGES,
        statuses=(*IMAGE_ERRORS, 409, 507),
        taught=True,
        path_examples=_NAMES,
    )
)
def put(taught: str, label: str) -> Response:
    name, label = checked_model(taught), checked_label(label)
    models.refuse_name_of_another(context.settings(), name)
    sent = read(request, context.settings().max_images).images
    checked = [_checked(content) for content in contents(sent, context.deadline())]
    if len(checked) == 1:
        raised(checked[0])
    added = context.album().add(name, label, [item for item in checked if isinstance(item, Photo)])
    body: Added = {
        "name": name,
        "label": label,
        "added": added,
        "classes": context.album().classes(name),
        "results": [_kept(upload, item) for upload, item in zip(sent, checked, strict=True)],
        "request_id": g.request_id,
    }
    return jsonify(body)


def _checked(content: object) -> Photo | ServiceError:
    if isinstance(content, ServiceError):
        return content
    if not isinstance(content, bytes):
        raise TypeError("a photo is a file")
    spec = context.registry().find().description.input
    try:
        return photo.checked(content, spec, context.settings().max_pixels, context.deadline(), context.in_flight())
    except ServiceError as error:
        return error


def _kept(upload: Upload, item: Photo | ServiceError) -> Kept:
    if isinstance(item, ServiceError):
        return {"filename": upload.filename, "success": False, "error": error_body(item)["error"]}
    return {"filename": upload.filename, "success": True, "photo": item.id}


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
        path_examples=_NAMES,
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
        path_examples=_NAMES,
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
        path_examples=_NAMES,
    )
)
def delete(taught: str) -> Response:
    name = checked_model(taught)
    context.orders().stop(name, _STOPPING)
    found = [models.delete(context.settings(), name)]
    if found[0]:
        context.orders().ask_for_reload()
    found += [context.album().remove(name), context.orders().forget(name)]
    return _deleted(name, found)


@blueprint.delete("/<taught>/<label>")
@blueprint.delete("/<taught>/<label>/<photo>")
@operation(
    Operation(
        "Remove the photos of a class, or one of them. The model stays as it was made",
        "Teaching",
        {JSON: Deleted},
        statuses=(400,),
        taught=True,
        path_examples=_NAMES,
    )
)
def delete_photos(taught: str, label: str, photo: str = "") -> Response:
    name, label = checked_model(taught), checked_label(label)
    return _deleted(name, [context.album().remove(name, label, photo)])


def _deleted(name: str, found: Sequence[bool]) -> Response:
    if not any(found):
        raise ModelNotFound(f"there is nothing of this to delete: GET /teach/{name} says what there is")
    body: Deleted = {
        "name": name,
        "deleted": True,
        "classes": context.album().classes(name),
        "request_id": g.request_id,
    }
    return jsonify(body)
