"""JSON schemas of Python types. The types of requests and responses are checked in the code and documented from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    bytes: {},  # OpenAPI 3.1: a binary body has a media type and no schema
    Any: {},
    object: {},
}


class Schemas:
    """Schemas of types, with every TypedDict among the components of the document."""

    def __init__(self) -> None:
        self.components: dict[str, Any] = {}

    def of(self, kind: Any) -> dict[str, Any]:
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
        if is_typeddict(kind):
            return self._component(kind)
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is NotRequired:
            return self.of(arguments[0])
        if origin in (Union, UnionType):
            return {"anyOf": [self.of(argument) for argument in arguments]}
        if origin is Literal:
            return {"enum": list(arguments)}
        if origin in (list, Sequence):
            return {"type": "array", "items": self.of(arguments[0])}
        if origin in (dict, Mapping):
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        raise TypeError(f"{kind} has no JSON schema here")

    def _component(self, kind: Any) -> dict[str, Any]:
        name = kind.__name__
        if name not in self.components:
            self.components[name] = {}  # a type may contain itself
            hints = get_type_hints(kind, include_extras=True)
            self.components[name] = {
                "type": "object",
                "properties": {key: self.of(value) for key, value in hints.items()},
                "required": sorted(key for key, value in hints.items() if get_origin(value) is not NotRequired),
            }
        return {"$ref": f"#/components/schemas/{name}"}
