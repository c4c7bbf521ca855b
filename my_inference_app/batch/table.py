"""The columns of the results, and rows made from outcomes. docs/batch.md describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from ..errors import ServiceError
from ..inference.explain import embedding
from .classify import Outcome
from .item import Item

Row = dict[str, Any]

_PREDICTION = pa.struct(
    [pa.field("label", pa.string()), pa.field("score", pa.float32()), pa.field("class_id", pa.int32())]
)
_ERROR = pa.struct([pa.field("code", pa.string()), pa.field("message", pa.string())])


def schema(metadata: Mapping[str, str], *, embeddings: bool) -> pa.Schema:
    fields = [
        pa.field("path", pa.string(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("score", pa.float32()),
        pa.field("top_k", pa.list_(_PREDICTION)),
        pa.field("error", _ERROR),
    ]
    if embeddings:
        fields.append(pa.field("embedding", pa.list_(pa.float32())))
    return pa.schema(fields, metadata=dict(metadata))


def row(item: Item, outcome: Outcome, top_k: int, *, embeddings: bool) -> Row:
    made: Row = {"path": shown(item.path), "label": None, "score": None, "top_k": None, "error": None}
    if embeddings:
        made["embedding"] = None
    if isinstance(outcome, ServiceError):
        made["error"] = {"code": outcome.code, "message": str(outcome)}
        return made
    best = outcome.top(top_k)
    made["top_k"] = [vars(prediction) for prediction in best]
    made |= {"label": best[0].label, "score": best[0].score}
    if embeddings:
        made["embedding"] = embedding(outcome)
    return made


def shown(path: str) -> str:
    """Parquet holds UTF-8 only: other bytes in the name of a file become \\xNN."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
