"""The right to teach: keys of its own, or a client on this machine."""

from __future__ import annotations

from typing import Any

import pytest

from my_inference_app.bundles.bundle import Bundle
from tests.conftest import FakeClassifier, assert_error, client_of
from tests.images import plain_image

RED = plain_image("red")
KEYS = {"api_keys": (b"predicts",), "teach_keys": (b"teaches",)}
ROUTES = (
    ("GET", "/teach"),
    ("GET", "/teach/pets"),
    ("PUT", "/teach/pets/cat"),
    ("POST", "/teach/pets"),
    ("DELETE", "/teach/pets"),
    ("DELETE", "/teach/pets/cat"),
    ("DELETE", "/teach/pets/cat/0"),
    ("POST", "/label-studio/webhook?model=pets"),
    ("POST", "/label-studio/pets/webhook"),
)


@pytest.fixture
def settings(colours: Bundle, tmp_path: Any) -> dict[str, Any]:
    return {"teach": True, "teach_store": tmp_path / "store", "models_dir": tmp_path, "bundle": str(colours.path)}


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("keys", [KEYS, {"teach_keys": (b"teaches",)}], ids=["both", "teach"])
def test_teaching_needs_a_key_of_its_own(
    fake: FakeClassifier, settings: dict[str, Any], keys: dict[str, Any], method: str, path: str
) -> None:
    client = client_of(fake, **settings, **keys)
    for given in ({}, {"X-API-Key": "teache"}):
        response = client.open(path, method=method, headers=given, data=RED)
        assert response.status_code == 401 and response.headers["WWW-Authenticate"] == "Bearer"
    if "api_keys" in keys:
        assert client.open(path, method=method, headers={"X-API-Key": "predicts"}, data=RED).status_code == 403
    given = {"Authorization": "Bearer teaches"}
    assert client.open(path, method=method, headers=given, data=RED).status_code not in (401, 403)


def test_key_that_predicts_is_needed_on_this_machine_too(fake: FakeClassifier, settings: dict[str, Any]) -> None:
    client = client_of(fake, **settings, api_keys=(b"predicts",))
    for method, path in ROUTES:
        assert client.open(path, method=method, data=RED).status_code == 401
        sent = client.open(path, method=method, data=RED, headers={"X-API-Key": "predicts"})
        assert sent.status_code not in (401, 403)


def test_key_that_teaches_predicts_too(fake: FakeClassifier, settings: dict[str, Any]) -> None:
    client = client_of(fake, **settings, **KEYS)
    assert client.post("/predict", data=RED, headers={"X-API-Key": "teaches"}).status_code == 200
    assert_error(client.post("/predict", data=RED), 401, "unauthorized")


@pytest.mark.parametrize(
    ("address", "headers", "allowed"),
    [
        ("127.0.0.1", {}, True),
        ("::1", {"Host": "[::1]:8000"}, True),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, True),
        ("127.0.0.1", {"X-Forwarded-For": "::ffff:127.0.0.1"}, True),
        ("127.0.0.1", {"Origin": "http://localhost:8080", "Host": "localhost:8080"}, True),
        ("203.0.113.7", {}, False),
        ("10.0.0.2", {}, False),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7"}, False),
        # nginx appends the real address to what a client claims, and a proxy on this machine names its client.
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1, 203.0.113.7"}, False),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7, 127.0.0.1"}, False),
        ("127.0.0.1", {"X-Forwarded-For": "unknown"}, False),
        # Another page in a browser of this machine, and a name that leads here.
        ("127.0.0.1", {"Origin": "https://evil.example"}, False),
        ("127.0.0.1", {"Origin": "null"}, False),
        ("127.0.0.1", {"Host": "evil.example"}, False),
        ("127.0.0.1", {"Host": "evil.example", "Origin": "http://evil.example"}, False),
    ],
)
def test_without_keys_only_this_machine_may_teach(
    fake: FakeClassifier, settings: dict[str, Any], address: str, headers: dict[str, str], allowed: bool
) -> None:
    client = client_of(fake, **settings)
    for method, path in ROUTES:
        sent = client.open(path, method=method, headers=headers, environ_base={"REMOTE_ADDR": address}, data=RED)
        assert (sent.status_code == 403) == (not allowed), (path, sent.status_code)


def test_page_to_teach_on_needs_no_key_and_shows_nothing(fake: FakeClassifier, settings: dict[str, Any]) -> None:
    client = client_of(fake, **settings, **KEYS)
    client.put("/teach/secret-cats/cat", data=RED, headers={"X-API-Key": "teaches"})
    response = client.get("/teach", headers={"Accept": "text/html"})
    assert response.status_code == 200 and "api_key" in response.text
    assert "secret-cats" not in response.text and fake.name not in response.text


def test_documentation_names_keys_and_errors(fake: FakeClassifier, settings: dict[str, Any]) -> None:
    described = client_of(fake, **settings, teach_keys=(b"teaches",)).get("/openapi.json").get_json()["paths"]
    assert described["/teach/{taught}"]["post"]["security"] == [{"bearer": []}, {"header": []}]
    assert {"202", "401", "403", "409"} <= described["/teach/{taught}"]["post"]["responses"].keys()
    assert "security" not in described["/predict"]["post"]
