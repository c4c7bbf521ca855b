"""Damaged and random forms and JSON are read or refused, and never cause a failure of the service."""

from __future__ import annotations

import json
from typing import Any

from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import form

QUICK = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the fake keeps no state that matters here
)
PARTS = st.lists(
    st.tuples(
        st.sampled_from(["image", "file", "top_k", "url", "x", ""]),
        st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20),
        st.binary(max_size=60),
    ),
    max_size=5,
)
SNIPPETS = st.sampled_from(
    [b"--b", b"--b--", b"\r\n", b"\n", b"\r", b"\0", b":", b";", b"\xff", b'"', b"=", b"Content-Length: 5\r\n", b" "]
)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), SNIPPETS | st.binary(max_size=5)), max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.sampled_from(["image", "images", "file", "url", "top_k", "x"]), VALUES, max_size=4)
KINDS = st.sampled_from(
    [
        "multipart/form-data; boundary=b",
        'multipart/form-data; boundary="b"',
        "multipart/form-data; boundary=",
        "multipart/form-data",
        "multipart/form-data; boundary=b; charset=utf-16",
        "multipart/form-data; boundary*=utf-8''%00",
        "application/json",
        "application/json; charset=utf-7",
        "application/x-www-form-urlencoded",
        "image/png",
        ";",
        "",
    ]
)


def changed(data: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for where, length, new in edits:
        at = int(where * len(data))
        data = data[:at] + new + data[at + length :]
    return data


def assert_answered(client: FlaskClient, **request: Any) -> None:
    response = client.post("/predict", **request)
    assert response.status_code == 200 or 400 <= response.status_code < 500, response.text


@QUICK
@given(parts=PARTS, edits=EDITS, kind=KINDS)
def test_damaged_form_never_returns_500(
    client: FlaskClient,
    parts: list[tuple[str, str | None, bytes]],
    edits: list[tuple[float, int, bytes]],
    kind: str,
) -> None:
    assert_answered(client, data=changed(form(*parts)["data"], edits), content_type=kind)


@QUICK
@given(value=VALUES | OBJECTS, edits=EDITS)
def test_damaged_json_never_returns_500(
    client: FlaskClient, value: object, edits: list[tuple[float, int, bytes]]
) -> None:
    assert_answered(client, data=changed(json.dumps(value).encode(), edits), content_type="application/json")


@QUICK
@given(data=st.binary(max_size=200), kind=KINDS | st.text(st.characters(codec="latin-1", exclude_categories=["Cc"])))
def test_random_body_never_returns_500(client: FlaskClient, data: bytes, kind: str) -> None:
    assert_answered(client, data=data, content_type=kind)
