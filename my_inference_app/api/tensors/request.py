"""The body of an inference request: JSON, and behind it the bytes of tensors (Triton's binary data extension)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Request

from ...errors import BadRequest
from ..input.json_body import parse

HEADER = "Inference-Header-Content-Length"
INPUT = "image"

_MOST_DIMENSIONS = 8


@dataclass(frozen=True)
class Tensor:
    datatype: str
    shape: tuple[int, ...]
    data: object
    """A memoryview if it was sent as bytes, otherwise the value in the JSON."""


@dataclass(frozen=True)
class Wanted:
    """An output that the client asks for."""

    name: str
    binary: bool
    classes: int = 0
    """The number of best classes to name instead of the tensor; 0 means the tensor."""


@dataclass(frozen=True)
class InferRequest:
    id: str
    tensor: Tensor
    outputs: tuple[Wanted, ...]


def read(body: bytes, request: Request, default_output: str) -> InferRequest:
    length = _header_length(request, len(body))
    if length == 0:
        return InferRequest("", _whole_body(body), (Wanted(default_output, binary=False),))
    sent = parse(body if length is None else body[:length])
    if not isinstance(sent, dict):
        raise BadRequest('the JSON must be an object: {"inputs": [...]}')
    given = sent.get("id", "")
    if not isinstance(given, str):
        raise BadRequest("`id` must be a string")
    binary = _parameters(sent, "the request").get("binary_data_output") is True
    rest = memoryview(body)[len(body) if length is None else length :]
    return InferRequest(given, _input(sent, rest), _outputs(sent, binary, default_output))


def _header_length(request: Request, most: int) -> int | None:
    text = request.headers.get(HEADER)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text) <= most):
        raise BadRequest(
            f"{HEADER} must be the length of the JSON at the beginning of the body, which has {most} bytes"
        )
    return int(text)


def _whole_body(body: bytes) -> Tensor:
    """A request without JSON: one image file, in the form that an element of a BYTES tensor has."""
    return Tensor("BYTES", (1,), memoryview(len(body).to_bytes(4, "little") + body))


def _input(sent: Mapping[str, object], rest: memoryview) -> Tensor:
    inputs = sent.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise BadRequest(f"`inputs` must be a list with one tensor, named `{INPUT}`")
    tensor = inputs[0]
    if (name := _text(tensor, "name")) != INPUT:
        raise BadRequest(f"the model has no input {name[:50]!r}: its one input is named `{INPUT}`")
    parameters = _parameters(tensor, f"`{INPUT}`")
    if "shared_memory_region" in parameters:
        raise BadRequest("shared memory is not supported: send the tensor in the request")
    return Tensor(_text(tensor, "datatype"), _shape(tensor), _data(tensor, parameters.get("binary_data_size"), rest))


def _data(tensor: Mapping[str, object], size: object, rest: memoryview) -> object:
    if size is None and not rest:
        if "data" not in tensor:
            raise BadRequest(f"`{INPUT}` has no `data`, and no `binary_data_size` with bytes after the JSON ({HEADER})")
        return tensor["data"]
    if type(size) is not int or size != len(rest):
        raise BadRequest(
            f"`binary_data_size` of `{INPUT}` must be {len(rest)}: so many bytes follow the JSON ({HEADER})"
        )
    if "data" in tensor:
        raise BadRequest(f"`{INPUT}` has `data` and `binary_data_size`: send one of them")
    return rest


def _shape(tensor: Mapping[str, object]) -> tuple[int, ...]:
    shape = tensor.get("shape")
    if not isinstance(shape, list) or not 1 <= len(shape) <= _MOST_DIMENSIONS:
        raise BadRequest(f"`shape` of `{INPUT}` must be a list of 1 to {_MOST_DIMENSIONS} whole numbers")
    numbers = tuple(item for item in shape if type(item) is int and 0 <= item < 1 << 31)
    if len(numbers) < len(shape):
        raise BadRequest(f"`shape` of `{INPUT}` must be a list of whole numbers from 0 on")
    return numbers


def _outputs(sent: Mapping[str, object], binary: bool, default: str) -> tuple[Wanted, ...]:
    outputs = sent.get("outputs") or [{"name": default}]
    if not isinstance(outputs, list) or len(outputs) > _MOST_DIMENSIONS:
        raise BadRequest(f"`outputs` must be a list of {_MOST_DIMENSIONS} outputs at most")
    return tuple(_wanted(output, binary) for output in outputs)


def _wanted(output: object, binary: bool) -> Wanted:
    if not isinstance(output, dict):
        raise BadRequest('each of `outputs` must be an object: {"name": "probabilities"}')
    name = _text(output, "name")
    parameters = _parameters(output, f"the output {name[:50]!r}")
    if "shared_memory_region" in parameters:
        raise BadRequest("shared memory is not supported: take the output from the response")
    classes = parameters.get("classification", 0)
    if type(classes) is not int or not 0 <= classes < 1 << 31:
        raise BadRequest("`classification` must be the number of classes to name")
    binary = parameters.get("binary_data", binary) is True
    return Wanted(name, binary, classes)


def _parameters(holder: Mapping[str, object], what: str) -> Mapping[str, object]:
    parameters = holder.get("parameters", {})
    if not isinstance(parameters, dict):
        raise BadRequest(f"`parameters` of {what} must be an object")
    return parameters


def _text(holder: Mapping[str, object], key: str) -> str:
    value = holder.get(key)
    if not isinstance(value, str):
        raise BadRequest(f"`{key}` must be a string")
    return value
