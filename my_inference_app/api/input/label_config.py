"""Reads the labelling configuration of a Label Studio project, XML that a client sends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from ...errors import BadRequest
from ...inference.answers import Result

_LONGEST = 1_000_000
_MOST_OPTIONS = 2000
_EXAMPLE = (
    '<View><Image name="image" value="$image"/>'
    '<Choices name="choice" toName="image"><Choice value="cat"/></Choices></View>'
)


@dataclass(frozen=True)
class Labelling:
    image_name: str
    image_key: str
    """Where a task's data has the image."""
    choices_name: str
    options: dict[str, tuple[str, ...]]
    """The choices as annotations have them, with all their names. Empty if each task has its own."""

    def classes_of(self, labels: Sequence[str]) -> dict[str, list[int]]:
        """The model's classes that each choice stands for: `tiger cat` and `tabby` for `tabby, tabby cat`."""
        if not self.options:
            return {}
        classes: dict[str, set[int]] = {}
        for index, label in enumerate(labels):
            for name in (label, *label.split(",")):
                classes.setdefault(plain(name), set()).add(index)
        found = {
            option: sorted(set().union(*(classes.get(plain(name), ()) for name in given)))
            for option, given in self.options.items()
        }
        if not any(found.values()):
            raise BadRequest(
                "none of the choices is a label of the model: use labels of the model, which GET /models/NAME?labels=1 "
                "lists, as choices or as their aliases"
            )
        return found

    def best(self, result: Result, classes: dict[str, list[int]]) -> tuple[str, float]:
        """The likeliest choice, and the probability of its classes together."""
        if not classes:
            (top,) = result.top(1)
            return top.label, top.score
        probabilities = result.probabilities
        scores = {option: float(probabilities[indices].sum()) for option, indices in classes.items() if indices}
        return max(scores.items(), key=lambda item: item[1])


def plain(name: str) -> str:
    return " ".join(name.casefold().split())


def labelling_of(text: object) -> Labelling:
    root = _parsed(text)
    images, choices = list(root.iter("Image")), list(root.iter("Choices"))
    if len(images) != 1 or len(choices) != 1:
        raise BadRequest(
            f"the labelling configuration has {len(images)} Image and {len(choices)} Choices: there must be one of "
            f"each, as in {_EXAMPLE}"
        )
    (image,), (choice,) = images, choices
    if not (choice.get("name") and image.get("name") and choice.get("toName") == image.get("name")):
        raise BadRequest(f"Choices must have a name, and the name of the Image in toName, as in {_EXAMPLE}")
    value = image.get("value", "")
    if not value.startswith("$") or value == "$":
        raise BadRequest(f"the value of Image must name the data of a task, as in {_EXAMPLE}")
    if len(list(choice.iter("Choice"))) > _MOST_OPTIONS:
        raise BadRequest(f"the labelling configuration has more than {_MOST_OPTIONS} choices")
    options = [
        (item.get("alias", "") or item.get("value", ""), item.get("value", "")) for item in choice.iter("Choice")
    ]
    return Labelling(
        image.get("name", ""), value[1:], choice.get("name", ""), {names[0]: names for names in options if names[0]}
    )


def _parsed(text: object) -> Element:
    if not isinstance(text, str) or not text.strip():
        raise BadRequest(f"there is no labelling configuration: send one like {_EXAMPLE}")
    if len(text) > _LONGEST:
        raise BadRequest(f"the labelling configuration has {len(text)} characters: {_LONGEST} are allowed")
    try:
        root: Element = fromstring(text, forbid_dtd=True)
    except DefusedXmlException:
        raise BadRequest("the labelling configuration must have no DTD and no entities of its own") from None
    except (ParseError, ValueError):  # a ValueError for the encoding that a declaration names
        raise BadRequest(f"the labelling configuration is not well-formed XML: send one like {_EXAMPLE}") from None
    return root
