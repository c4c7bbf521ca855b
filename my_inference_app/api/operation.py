"""What a route does, written beside its function: /openapi.json and /docs are made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])
JSON = "application/json"


@dataclass(frozen=True)
class Body:
    """One form of a request's body."""

    media_type: str
    kind: Any
    """The type of its JSON, or `bytes`."""
    example: Any = None
    """A value of that type. Without one the sample image is sent."""


@dataclass(frozen=True)
class Parameter:
    name: str
    help: str
    kind: Any = str
    example: Any = None
    place: str = "query"


@dataclass(frozen=True)
class Operation:
    summary: str
    tag: str
    answers: Mapping[str, Any]
    """Media type to the type of its JSON, or `str` or `bytes`."""
    bodies: tuple[Body, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    statuses: tuple[int, ...] = ()
    """Of errors, besides those that every route has."""
    error: Any = None
    """The type of its errors, if they are not the standard ones."""
    status: int = 200
    """Of the answer if all went well."""
    taught: bool = False
    """Whether it needs the right to teach."""
    path_examples: Mapping[str, str] = field(default_factory=dict)


_operations: dict[Callable[..., Any], Operation] = {}


def operation(described: Operation) -> Callable[[View], View]:
    """Describes the route below."""

    def keep(view: View) -> View:
        _operations[view] = described
        return view

    return keep


def operation_of(view: Callable[..., Any]) -> Operation | None:
    return _operations.get(view)
