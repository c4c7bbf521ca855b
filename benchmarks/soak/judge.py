"""Judges responses: answered, refused or lost."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from .cases import Case

REFUSALS = (429, 503)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    """The names are in lower case."""
    body: bytes


class Verdict(NamedTuple):
    outcome: Literal["answered", "refused", "lost"]
    why: str = ""


def judge(case: Case, request_id: str, reply: Reply) -> Verdict:
    if reply.headers.get("x-request-id") != request_id:
        return Verdict("lost", "the answer to another request")
    try:
        if reply.status in REFUSALS:
            return _refusal(reply)
        if reply.status != case.status:
            return Verdict("lost", f"{reply.status} instead of {case.status}: {reply.body[:200]!r}")
        wrong = _wrong(case, reply)
    except (ValueError, LookupError, TypeError) as error:
        return Verdict("lost", f"an answer that cannot be read ({error!r}): {reply.body[:200]!r}")
    return Verdict("lost", wrong) if wrong else Verdict("answered")


def _refusal(reply: Reply) -> Verdict:
    if not reply.headers.get("retry-after", "").isdigit():
        return Verdict("lost", f"{reply.status} without Retry-After: {reply.body[:200]!r}")
    if not json.loads(reply.body)["error"]["code"]:
        return Verdict("lost", f"{reply.status} without a code: {reply.body[:200]!r}")
    return Verdict("refused")


def _wrong(case: Case, reply: Reply) -> str:
    """The fault in a response with the right status; empty if it is correct."""
    if case.code:
        body = json.loads(reply.body)
        return "" if body["error"]["code"] == case.code else f"not {case.code}: {body['error']}"
    if not case.labels:
        return "" if reply.body else "an empty answer"
    body = json.loads(reply.body)
    results = body["results"] if len(case.labels) > 1 else [body]
    found = [_best(result) for result in results]
    right = [one in many if many else one is None for one, many in zip(found, case.labels, strict=True)]
    return "" if all(right) else f"wrong labels: classes {found}"


def _best(result: dict[str, Any]) -> int | None:
    return int(result["predictions"][0]["class_id"]) if result["success"] else None
