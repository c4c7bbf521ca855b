"""Reads the events of Label Studio's webhooks: which class was chosen for which image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...errors import BadRequest
from .label_config import Labelling, labelling_of

_TEACHING = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED")


@dataclass(frozen=True)
class Annotated:
    label: str
    task: dict[str, Any]
    labelling: Labelling


def annotated(event: dict[str, Any]) -> Annotated | None:
    """Nothing for an event that is about something else, or for a task that was skipped."""
    if event["action"] not in _TEACHING:
        return None
    annotation, task, project = (_object(event, name) for name in ("annotation", "task", "project"))
    if annotation.get("was_cancelled") is True:
        return None
    labelling = labelling_of(project.get("label_config"))
    return Annotated(_choice(annotation, labelling), task, labelling)


def _object(event: dict[str, Any], name: str) -> dict[str, Any]:
    found = event.get(name)
    if not isinstance(found, dict):
        raise BadRequest(f"the event has no `{name}`: have Label Studio send the payload with its webhooks")
    return found


def _choice(annotation: dict[str, Any], labelling: Labelling) -> str:
    results = annotation.get("result")
    found = [
        item["value"].get("choices")
        for item in (results if isinstance(results, list) else [])
        if isinstance(item, dict)
        and item.get("from_name") == labelling.choices_name
        and isinstance(item.get("value"), dict)
    ]
    choices = found[0] if len(found) == 1 else None
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], str):
        raise BadRequest(f"the annotation must have one choice of `{labelling.choices_name}`, which is the class")
    return choices[0]
