"""Explanations in a response: maps of the classes that the request names, as numbers and as an image."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from ..errors import BadRequest
from ..inference.answers import Answer, Detail, Result
from ..inference.classifier import Classifier
from ..inference.explain import Grid, activation, occlusion, overlay, seen
from ..inference.jobs import Image
from .classification import classify
from .input.upload import Upload
from .operation import Parameter

MOST_CLASSES = 5
_HOW = f"`explain` must be 1, the ids of up to {MOST_CLASSES} classes (281,285), or occlusion"
_IDS = re.compile(r"[0-9]{1,6}(,[0-9]{1,6})*", re.ASCII)
_DIGITS = 5


EXPLAIN = Parameter(
    "explain",
    "adds class activation maps: 1 of the most probable class, or class ids; occlusion works with any model",
    example="1",
)


class Explanation(TypedDict):
    """Where in the image a class is seen."""

    class_id: int
    grid: list[list[float]]
    image: str
    box: list[float]
    approximate: bool


@dataclass(frozen=True)
class Wish:
    """What a request wants explained."""

    class_ids: tuple[int, ...] = ()
    """None: the most probable class of each image."""
    by_occlusion: bool = False

    @property
    def detail(self) -> Detail:
        return Detail.IMAGE if self.by_occlusion else Detail.FEATURES


def read_wish(values: Sequence[str], classifier: Classifier) -> Wish | None:
    """From `?explain=1`, `?explain=281,285`, `?explain=occlusion` and several of them; None without any."""
    given = [value for value in values if value]
    if not given:
        return None
    ids = [value for value in given if value not in ("1", "true", "occlusion")]
    if not all(_IDS.fullmatch(value) for value in ids):
        raise BadRequest(_HOW)
    class_ids = tuple(dict.fromkeys(int(part) for value in ids for part in value.split(",")))
    if len(class_ids) > MOST_CLASSES:
        raise BadRequest(f"{len(class_ids)} classes to explain: {MOST_CLASSES} are allowed")
    unknown = [class_id for class_id in class_ids if class_id >= len(classifier.labels)]
    if unknown:
        raise BadRequest(f"there is no class {unknown[0]}: the model has {len(classifier.labels)}, counted from 0")
    return Wish(class_ids, "occlusion" in given)


def classify_for(wish: Wish | None, classifier: Classifier, images: Sequence[Upload]) -> Answer:
    if wish and wish.by_occlusion and len(images) > 1:
        raise BadRequest("explain=occlusion computes many images to explain one: send one image")
    return classify(classifier, images, wish.detail if wish else Detail.LOGITS)


def explanations(wish: Wish, classifier: Classifier, result: Result) -> list[Explanation]:
    class_ids = wish.class_ids or (result.top(1)[0].class_id,)
    grids = _grids(wish, classifier, result, class_ids)
    return [
        {
            "class_id": class_id,
            "grid": [[round(float(value), _DIGITS) for value in row] for row in grid],
            "image": "data:image/png;base64," + b64encode(overlay(grid, classifier.description.input.size)).decode(),
            "box": [round(edge, 2) for edge in seen(result).box],
            "approximate": wish.by_occlusion,
        }
        for class_id, grid in zip(class_ids, grids, strict=True)
    ]


def _grids(wish: Wish, classifier: Classifier, result: Result, class_ids: Sequence[int]) -> list[Grid]:
    if not wish.by_occlusion:
        return [activation(result, class_id) for class_id in class_ids]

    def compute(images: Sequence[Image]) -> Answer:
        return classify(classifier, images)

    return occlusion(result, class_ids, classifier.description.input.mean, compute)
