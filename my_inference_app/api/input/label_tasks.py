"""Finds the images of Label Studio's tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import g

from ...errors import BadRequest, ServiceError, UrlsDisabled
from .. import context
from .json_body import base64_bytes
from .label_config import Labelling
from .upload import Upload, linked


def images_of(tasks: Sequence[Any], labelling: Labelling) -> list[Upload | ServiceError]:
    """The image of each task, or why there is none."""
    return _fetched([_image(labelling, task) for task in tasks])


def _image(labelling: Labelling, task: Any) -> Upload | ServiceError | str:
    """A string is the address of an image that was uploaded to Label Studio."""
    data = task.get("data") if isinstance(task, dict) else None
    value = data.get(labelling.image_key) if isinstance(data, dict) else None
    if not isinstance(value, str) or not value:
        return BadRequest(f"a task has no `{labelling.image_key}` in its data, which the configuration names")
    studio = context.label_studio()
    try:
        if value.startswith("data:"):
            return Upload(None, base64_bytes(value, f"`{labelling.image_key}` of a task"))
        if address := studio.address_of(value):
            return address
        if not context.settings().predict_urls:
            return UrlsDisabled("this service does not fetch images from other servers (PREDICT_URLS=1 allows it)")
        return linked(value)
    except ServiceError as error:
        return error


def _fetched(images: Sequence[Upload | ServiceError | str]) -> list[Upload | ServiceError]:
    """Fetches what lies in Label Studio."""
    addresses = [image for image in images if isinstance(image, str)]
    fetched = iter(context.label_studio().fetch(addresses, context.deadline(), g.request_id) if addresses else ())
    found: list[Upload | ServiceError] = []
    for image in images:
        item = next(fetched) if isinstance(image, str) else image
        found.append(Upload(None, item) if isinstance(item, bytes) else item)
    return found
