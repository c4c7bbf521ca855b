"""The soak never counts a wrong response as right."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.soak.cases import CAT, COFFEE, Case
from benchmarks.soak.judge import Reply, judge

HEADERS = {"x-request-id": "me"}
IMAGE = Case("image", labels=(CAT,))
SEVERAL = Case("several", labels=(CAT, None, COFFEE))
BAD = Case("bad", status=400, code="bad_request")


def success(*classes: int) -> bytes:
    return json.dumps({"success": True, "predictions": [{"class_id": number} for number in classes]}).encode()


def several(*results: bytes) -> bytes:
    return b'{"results": [' + b",".join(results) + b"]}"


def error(code: str) -> bytes:
    return json.dumps({"success": False, "error": {"code": code}}).encode()


LATER = {**HEADERS, "retry-after": "1"}
REPLIES: list[tuple[Case, Reply, str]] = [
    (IMAGE, Reply(200, HEADERS, success(281, 1)), "answered"),
    (IMAGE, Reply(200, HEADERS, success(1, 281)), "lost"),
    (IMAGE, Reply(200, {"x-request-id": "you"}, success(281)), "lost"),
    (IMAGE, Reply(200, {}, success(281)), "lost"),
    (IMAGE, Reply(200, HEADERS, success(281)[:-1]), "lost"),
    (IMAGE, Reply(200, HEADERS, error("no_image")), "lost"),
    (IMAGE, Reply(200, HEADERS, b""), "lost"),
    (IMAGE, Reply(502, LATER, error("unreachable")), "lost"),
    (IMAGE, Reply(503, LATER, error("overloaded")), "refused"),
    (IMAGE, Reply(429, LATER, error("rate_limited")), "refused"),
    (IMAGE, Reply(503, HEADERS, error("overloaded")), "lost"),
    (IMAGE, Reply(503, LATER, b"<html>"), "lost"),
    (SEVERAL, Reply(200, HEADERS, several(success(282), error("x"), success(504))), "answered"),
    (SEVERAL, Reply(200, HEADERS, several(success(504), error("x"), success(282))), "lost"),
    (SEVERAL, Reply(200, HEADERS, several(success(282), success(1), success(504))), "lost"),
    (SEVERAL, Reply(200, HEADERS, several(success(282), success(504))), "lost"),
    (BAD, Reply(400, HEADERS, error("bad_request")), "answered"),
    (BAD, Reply(400, HEADERS, error("no_image")), "lost"),
    (BAD, Reply(500, HEADERS, error("internal_error")), "lost"),
    (Case("page"), Reply(200, HEADERS, b"hello"), "answered"),
    (Case("page"), Reply(200, HEADERS, b""), "lost"),
]


@pytest.mark.parametrize(("case", "reply", "outcome"), REPLIES)
def test_reply_gets_the_right_verdict(case: Case, reply: Reply, outcome: str) -> None:
    assert judge(case, "me", reply).outcome == outcome


KEYS = st.sampled_from(["success", "predictions", "results", "error", "class_id", "code"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
)


@settings(derandomize=True, database=None, deadline=None, max_examples=100)
@given(
    st.sampled_from([IMAGE, SEVERAL, BAD]),
    st.sampled_from([200, 400, 429, 500, 503]),
    st.binary() | JSON.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([HEADERS, LATER, {**HEADERS, "retry-after": "soon"}]),
)
def test_any_reply_gets_a_verdict(case: Case, status: int, body: bytes, headers: dict[str, str]) -> None:
    verdict = judge(case, "me", Reply(status, headers, body))
    assert verdict.outcome == "lost" or status in (case.status, 429, 503)
    assert bool(verdict.why) == (verdict.outcome == "lost")
