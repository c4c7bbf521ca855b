"""The requests and responses of Label Studio's ML backend API, as far as this service uses them."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class StudioError(TypedDict):
    error: str


class StudioHealth(TypedDict):
    status: str
    model_class: str


class StudioSetup(TypedDict):
    schema: str


class StudioVersion(TypedDict):
    model_version: str


class StudioTask(TypedDict):
    data: dict[str, Any]


class StudioRequest(TypedDict):
    label_config: str
    tasks: list[StudioTask]


class StudioChoice(TypedDict):
    choices: list[str]


class StudioRegion(TypedDict):
    from_name: str
    to_name: str
    type: str
    value: StudioChoice
    score: float


class StudioPrediction(TypedDict):
    result: list[StudioRegion]
    score: float
    model_version: str
    error: NotRequired[str]


class StudioAnswer(TypedDict):
    results: list[StudioPrediction]
    model_version: str


class StudioAnnotation(TypedDict):
    result: list[dict[str, Any]]
    was_cancelled: NotRequired[bool]


class StudioProject(TypedDict):
    label_config: NotRequired[str]


class StudioEvent(TypedDict):
    """What its webhooks send, as far as this service uses it."""

    action: str
    annotation: NotRequired[StudioAnnotation]
    task: NotRequired[StudioTask]
    project: NotRequired[StudioProject]


class StudioHeard(TypedDict):
    action: str
    name: str
    label: str | None
    """The class that the photo is in now; null for an event that teaches nothing."""
    classes: dict[str, int]
