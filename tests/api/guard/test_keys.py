"""Keys: who has none gets nothing but probes."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from my_inference_app.errors import SettingError
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import FakeClassifier, assert_error, client_of

KEYS = "first-key, second key"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer first-key"},
        {"authorization": "bearer  first-key "},
        {"X-API-Key": "first-key"},
        {"X-API-Key": "second key"},
    ],
)
def test_with_a_key(fake: FakeClassifier, headers: dict[str, str]) -> None:
    client = client_of(fake, api_keys=KEYS)
    assert client.post("/predict", data=b"x", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/predict", "/", "/nothing", "/predict/../readyz"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "first-ke"},
        {"X-API-Key": "first-key, second key"},
        {"X-API-Key": "FIRST-KEY"},
        {"Authorization": "first-key"},
        {"Authorization": "Basic first-key"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer ", "X-API-Key": "first-key"},
        {"X-API-Key": "\xff\xfe"},
    ],
)
def test_without(fake: FakeClassifier, headers: dict[str, str], path: str, caplog: pytest.LogCaptureFixture) -> None:
    client = client_of(fake, api_keys=KEYS)
    with caplog.at_level(logging.DEBUG):
        response = client.post(path, data=b"x", headers=headers)
    assert_error(response, 401, "unauthorized")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert fake.images == []
    assert "first-key" not in caplog.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_need_none(fake: FakeClassifier, path: str) -> None:
    assert client_of(fake, api_keys=KEYS).get(path).status_code == 200


def test_keys_of_a_file(fake: FakeClassifier, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("one\n\n two \n")
    client = client_of(fake, api_keys_file=str(file), api_keys="three")
    for key in ("one", "two", "three"):
        assert client.post("/predict", data=b"x", headers={"X-API-Key": key}).status_code == 200
    assert client.post("/predict", data=b"x", headers={"X-API-Key": ""}).status_code == 401


@pytest.mark.parametrize("content", [None, "", "\n \n"])
def test_a_file_without_keys_opens_nothing(fake: FakeClassifier, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingError, match="API_KEYS_FILE"):
        create_app(Settings(api_keys_file=str(file)), fake)
