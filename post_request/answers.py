"""What a service's answer says, checked: it may be another version's, or another program's."""

import base64
from dataclasses import dataclass
from typing import Any

PNG = "data:image/png;base64,"


class BadAnswerError(Exception):
    """The answer lacks what was asked for. The message says what."""


@dataclass(frozen=True)
class Prediction:
    label: str
    score: float
    class_id: int


@dataclass(frozen=True)
class Explanation:
    """Where the image speaks for a class: a transparent PNG, and its place in the image: left, top, right, bottom."""

    class_id: int
    png: bytes
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Doubts:
    """What a calibrated model says of its answer."""

    considered: list[str]
    """All labels that must be considered, the best first."""
    certain: bool
    familiar: float


def predictions(body: dict[str, Any]) -> list[Prediction]:
    return [_prediction(entry) for entry in _entries(body, "predictions")]


def doubts(body: dict[str, Any]) -> Doubts | None:
    """None if the model is not calibrated."""
    if "certain" not in body:
        return None
    match body:
        case {"set": [str(), *_] as labels, "certain": bool(certain), "familiar": int() | float() as familiar} if all(
            isinstance(label, str) for label in labels
        ):
            return Doubts(labels, certain, familiar)
    raise BadAnswerError("an answer with doubts, but without the labels to consider")


def explanations(body: dict[str, Any]) -> list[Explanation]:
    return [_explanation(entry) for entry in _entries(body, "explanations")]


def _entries(body: dict[str, Any], key: str) -> list[Any]:
    entries = body.get(key)
    if not (isinstance(entries, list) and entries):
        raise BadAnswerError(f"the answer has no {key}")
    return entries


def _prediction(entry: object) -> Prediction:
    match entry:
        case {"label": str(label), "score": int() | float() as score, "class_id": int(class_id)} if 0 <= score <= 1:
            return Prediction(label, score, class_id)
    raise BadAnswerError("a prediction without label, class_id, and a score from 0 to 1")


def _explanation(entry: object) -> Explanation:
    match entry:
        case {
            "class_id": int(class_id),
            "image": str(image),
            "box": [int() | float(), int() | float(), int() | float(), int() | float()] as box,
        } if image.startswith(PNG):
            try:
                png = base64.b64decode(image.removeprefix(PNG), validate=True)
            except ValueError:  # also of characters outside ASCII
                raise BadAnswerError("the image of an explanation is damaged") from None
            left, top, right, bottom = box
            return Explanation(class_id, png, (left, top, right, bottom))
    raise BadAnswerError("an explanation without class_id, box, and an image in PNG")
