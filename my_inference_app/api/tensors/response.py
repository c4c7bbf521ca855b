"""The outputs of an inference: as JSON, or as JSON and bytes behind it (Triton's binary data extension)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flask import Response
from numpy.typing import NDArray

from ...errors import BadRequest
from ...inference.answers import Detail, Result
from ...inference.explain import embedding
from .request import HEADER, Wanted
from .types import InferenceResponse, ResponseOutput


@dataclass(frozen=True)
class Output:
    values: Callable[[Result], NDArray[np.floating[Any]]]
    detail: Detail = Detail.LOGITS
    """What a result must hold for it."""
    of_classes: bool = True


# The first is declared as the model's output, and returned if a request names none. Clients can name the others.
OUTPUTS = {
    "probabilities": Output(lambda result: result.probabilities),
    "logits": Output(lambda result: result.logits),
    "features": Output(embedding, Detail.FEATURES, of_classes=False),
}
DEFAULT = next(iter(OUTPUTS))


def check(wanted: Sequence[Wanted]) -> None:
    """Raises BadRequest before anything is computed."""
    names = [output.name for output in wanted]
    for name in names:
        if name not in OUTPUTS:
            raise BadRequest(f"the model has no output {name[:50]!r}; it has {', '.join(OUTPUTS)}")
        if names.count(name) > 1:
            raise BadRequest(f"the output {name!r} is requested twice")
    for output in wanted:
        if output.classes and not OUTPUTS[output.name].of_classes:
            raise BadRequest(f"`classification` of the output {output.name!r} is not possible: it has no classes")


def detail(wanted: Sequence[Wanted]) -> Detail:
    """What the results must hold."""
    return max(OUTPUTS[output.name].detail for output in wanted)


def respond(body: InferenceResponse, wanted: Sequence[Wanted], results: Sequence[Result]) -> Response:
    """Fills in the outputs."""
    raw: list[bytes] = []
    for output in wanted:
        tensor, data = _output(output, results)
        body["outputs"].append(tensor)
        if data is not None:
            raw.append(data)
    text = json.dumps(body).encode()
    if not raw:
        return Response(text, mimetype="application/json")
    return Response([b"".join([text, *raw])], mimetype="application/octet-stream", headers={HEADER: str(len(text))})


def _output(wanted: Wanted, results: Sequence[Result]) -> tuple[ResponseOutput, bytes | None]:
    """What stands in the JSON, and the bytes behind it if they are wanted."""
    values = np.stack([OUTPUTS[wanted.name].values(result) for result in results]).astype("<f4")
    if wanted.classes:
        return _classification(wanted, values, results)
    tensor: ResponseOutput = {"name": wanted.name, "datatype": "FP32", "shape": list(values.shape)}
    if wanted.binary:
        return _sized(tensor, values.tobytes())
    return {**tensor, "data": values.ravel().tolist()}, None


def _classification(
    wanted: Wanted, values: NDArray[np.floating[Any]], results: Sequence[Result]
) -> tuple[ResponseOutput, bytes | None]:
    """The best classes of each image as texts `value:index:label`."""
    count = min(wanted.classes, values.shape[1])
    texts = [
        f"{row[index]:f}:{index}:{result.labels[index]}"
        for row, result in zip(values, results, strict=True)
        for index in np.argsort(-row, kind="stable")[:count].tolist()
    ]
    tensor: ResponseOutput = {"name": wanted.name, "datatype": "BYTES", "shape": [len(results), count]}
    if not wanted.binary:
        return {**tensor, "data": texts}, None
    elements = [text.encode() for text in texts]
    return _sized(tensor, b"".join(len(element).to_bytes(4, "little") + element for element in elements))


def _sized(tensor: ResponseOutput, data: bytes) -> tuple[ResponseOutput, bytes]:
    return {**tensor, "parameters": {"binary_data_size": len(data)}}, data
