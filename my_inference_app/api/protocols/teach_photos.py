"""The photos that a model is taught from: PUT adds some to a class, DELETE removes them."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from flask import Blueprint, Response, g, jsonify, request

from ...errors import ServiceError, raised
from ...teaching import models
from ...teaching.names import checked_label, checked_model
from ...teaching.photo import Photo
from .. import context
from ..classification import contents
from ..described import IMAGE_ERRORS, IMAGES
from ..errors import ErrorDetails, error_body
from ..guard.teachers import refuse_without_right
from ..input.reader import read
from ..input.upload import Upload
from ..operation import JSON, Operation, operation
from ..teaching import EXAMPLES, Deleted, checked_photo, deleted

blueprint = Blueprint("teach_photos", __name__, url_prefix="/teach")
blueprint.before_request(refuse_without_right)


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


@blueprint.put("/<taught>/<label>")
@operation(
    Operation(
        "Add photos to a class of a model that is taught",
        "Teaching",
        {JSON: Added},
        IMAGES,
        statuses=(*IMAGE_ERRORS, 409, 507),
        taught=True,
        path_examples=EXAMPLES,
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
    try:
        return checked_photo(content)
    except ServiceError as error:
        return error


def _kept(upload: Upload, item: Photo | ServiceError) -> Kept:
    if isinstance(item, ServiceError):
        return {"filename": upload.filename, "success": False, "error": error_body(item)["error"]}
    return {"filename": upload.filename, "success": True, "photo": item.id}


@blueprint.delete("/<taught>/<label>")
@blueprint.delete("/<taught>/<label>/<photo>")
@operation(
    Operation(
        "Remove the photos of a class, or one of them. The model stays as it was made",
        "Teaching",
        {JSON: Deleted},
        statuses=(400,),
        taught=True,
        path_examples=EXAMPLES,
    )
)
def delete_photos(taught: str, label: str, photo: str = "") -> Response:
    name, label = checked_model(taught), checked_label(label)
    return deleted(name, [context.album().remove(name, label, photo)])
