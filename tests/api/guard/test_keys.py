"""Keys: without one, a client gets the form of the page and static files, and nothing else."""

from __future__ import annotations

import logging

import pytest

from tests.conftest import FakeClassifier, assert_error, client_of

KEYS = (b"first-key", b"second/key=")


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer first-key"},
        {"authorization": "bearer  first-key "},
        {"X-API-Key": "first-key"},
        {"X-API-Key": "second/key="},
    ],
)
def test_request_with_key_is_answered(fake: FakeClassifier, headers: dict[str, str]) -> None:
    client = client_of(fake, api_keys=KEYS)
    assert client.post("/predict", data=b"x", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/predict", "/", "/nothing", "/static/../predict"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "first-ke"},
        {"X-API-Key": "first-key, second/key="},
        {"X-API-Key": "FIRST-KEY"},
        {"Authorization": "first-key"},
        {"Authorization": "Basic first-key"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer ", "X-API-Key": "first-key"},
        {"X-API-Key": "\xff\xfe"},
    ],
)
def test_request_without_key_returns_401(
    fake: FakeClassifier, headers: dict[str, str], path: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_of(fake, api_keys=KEYS)
    with caplog.at_level(logging.DEBUG):
        response = client.post(path, data=b"x", headers=headers)
    assert_error(response, 401, "unauthorized")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert fake.images == []
    assert "first-key" not in caplog.text


def test_static_file_needs_no_key(fake: FakeClassifier) -> None:
    client = client_of(fake, api_keys=KEYS)
    assert client.get("/static/style.css", buffered=True).status_code == 200
    assert_error(client.get("/static/none.css"), 404, "not_found")


def test_keys_of_variable_and_file_are_valid_together(fake: FakeClassifier) -> None:
    client = client_of(fake, api_keys=(b"one",), api_keys_file=(b"two",))
    for key in ("one", "two"):
        assert client.post("/predict", data=b"x", headers={"X-API-Key": key}).status_code == 200
    assert client.post("/predict", data=b"x", headers={"X-API-Key": ""}).status_code == 401
