"""The webhook of Label Studio: an annotation becomes a photo of a class, in the model that the address names."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from ...errors import BadRequest, raised
from ...teaching import models
from ...teaching.names import checked_label, checked_model
from .. import context
from ..classification import contents
from ..described import IMAGE_ERRORS, SMALL_IMAGE
from ..guard.teachers import refuse_without_right
from ..input.annotation import Annotated, annotated
from ..input.json_body import parse
from ..input.label_tasks import images_of
from ..input.raw_body import content
from ..label_studio_types import StudioError, StudioEvent, StudioHeard
from ..operation import JSON, Body, Operation, Parameter, operation
from ..teaching import checked_photo

blueprint = Blueprint("teach_webhook", __name__, url_prefix="/label-studio")
blueprint.before_request(refuse_without_right)

_CHOICE = {"from_name": "choice", "to_name": "image", "type": "choices", "value": {"choices": ["cat"]}}
_EXAMPLE = {
    "action": "ANNOTATION_CREATED",
    "annotation": {"result": [_CHOICE]},
    "task": {"data": {"image": f"data:image/png;base64,{SMALL_IMAGE}"}},
    "project": {
        "label_config": '<View><Image name="image" value="$image"/><Choices name="choice" toName="image">'
        '<Choice value="cat"/></Choices></View>'
    },
}
_MODEL = Parameter("model", "name of the model that is taught, where the address has none", example="my-cats")


@blueprint.post("/webhook")
@blueprint.post("/<taught>/webhook")
@operation(
    Operation(
        "Take the photo of an annotation into the class that was chosen",
        "Teaching",
        {JSON: StudioHeard},
        (Body(JSON, StudioEvent, _EXAMPLE),),
        (_MODEL,),
        (*IMAGE_ERRORS, 409, 507),
        error=StudioError,
        taught=True,
        path_examples={"taught": "my-cats"},
    )
)
def webhook(taught: str = "") -> Response:
    name = checked_model(taught or request.args.get("model", ""))
    models.refuse_name_of_another(context.settings(), name)
    event = parse(content(request))
    if not isinstance(event, dict) or not isinstance(event.get("action"), str):
        raise BadRequest("the JSON must be an event of Label Studio's webhooks, an object with an `action`")
    found = annotated(event)
    if found:
        _take(name, found)
    body: StudioHeard = {
        "action": event["action"][:100],
        "name": name,
        "label": found.label if found else None,
        "classes": context.album().classes(name),
    }
    return jsonify(body)


def _take(name: str, found: Annotated) -> None:
    """A correction moves the photo from the class that it was in."""
    (image,) = images_of([found.task], found.labelling)
    (content,) = contents([raised(image)], context.deadline())
    context.album().add(name, checked_label(found.label), [checked_photo(content)], move=True)
