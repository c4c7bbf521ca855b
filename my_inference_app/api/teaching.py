"""What a client gets to know about a model that is taught, for the routes that teach."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NotRequired, TypedDict

from flask import Response, g, jsonify

from ..errors import ModelNotFound, ServiceError
from ..teaching import models, photo
from ..teaching.photo import Photo
from . import context

EXAMPLES = {"taught": "my-cats", "label": "tabby cat", "photo": "0" * 64}
"""Of the parts of addresses."""


class Taught(TypedDict):
    name: str
    classes: dict[str, int]
    """The photos that are there of each class."""
    state: str
    """`collecting` photos, `waiting`, `building`, `loading`, `done` or `failed`."""
    estimate: bool
    """Whether the state is that of an estimate."""
    progress: str
    error: str | None
    last_estimate: dict[str, Any] | None
    report: dict[str, Any] | None
    """Of the model as it was made last."""
    served: str | None
    """The version that is served."""
    request_id: NotRequired[str]


class Deleted(TypedDict):
    name: str
    deleted: bool
    classes: dict[str, int]
    request_id: str


def described(name: str) -> Taught:
    """Raises an error if nobody has begun to teach this model."""
    classes, known = context.album().classes(name), context.orders().known(name)
    made = models.newest(context.settings(), name)
    if not (classes or known or made):
        raise ModelNotFound(
            f"nobody has begun to teach {name}: PUT photos to /teach/{name}/CLASS, of at least two classes"
        )
    return {
        "name": name,
        "classes": classes,
        "state": known.get("state", "collecting" if classes or not made else "done"),
        "estimate": bool(known.get("estimate")),
        "progress": known.get("progress") or "",
        "error": known.get("error"),
        "last_estimate": known.get("last_estimate"),
        "report": known.get("report") or (made.taught if made else None),
        "served": _served(name),
    }


def all_described() -> list[Taught]:
    """All models that are taught, and those that were."""
    names = {*context.album().models(), *context.orders().names(), *models.taught(context.settings())}
    found = []
    for name in sorted(names):
        with suppress(ModelNotFound):  # it may be deleted at this moment
            found.append(described(name))
    return found


def checked_photo(content: object) -> Photo:
    """A photo that a client has sent, checked as an image that is classified. Raises what is wrong with it."""
    if isinstance(content, ServiceError):
        raise content
    if not isinstance(content, bytes):
        raise TypeError("a photo is a file")
    settings, spec = context.settings(), context.registry().find().description.input
    return photo.checked(content, spec, settings.max_pixels, context.deadline(), context.in_flight())


def _served(name: str) -> str | None:
    registry = context.registry()
    return registry.find(name).version if name in registry else None


def deleted(name: str, found: Sequence[bool]) -> Response:
    if not any(found):
        raise ModelNotFound(f"there is nothing of this to delete: GET /teach/{name} says what there is")
    body: Deleted = {
        "name": name,
        "deleted": True,
        "classes": context.album().classes(name),
        "request_id": g.request_id,
    }
    return jsonify(body)
