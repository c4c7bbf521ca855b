"""The application factory, request ids and the access log."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import BundleError, SettingError
from my_inference_app.inference.registry import of
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import FakeClassifier, client_of
from tests.images import plain_image


@pytest.mark.parametrize("engine", ["openvino", "torch"])
def test_app_serves_the_model_of_its_settings(tiny: Bundle, engine: str) -> None:
    client = create_app(Settings(bundle=str(tiny.path), engine=engine)).test_client()
    answer = client.post("/predict", data=plain_image("blue")).get_json()
    assert answer["response"]["body"] == '"blue"'
    assert answer["model"] == "tiny"


def test_app_without_settings_reads_the_environment(tiny: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUNDLE", str(tiny.path))
    monkeypatch.setenv("MAX_IMAGES", "7")
    app = create_app()
    assert app.extensions["settings"].max_images == 7
    assert app.extensions["registry"].names[0] == "tiny"


def test_missing_bundle_raises_bundle_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="make export"):
        create_app(Settings(models_dir=tmp_path))


def test_bad_setting_raises_setting_error(monkeypatch: pytest.MonkeyPatch, fake: FakeClassifier) -> None:
    monkeypatch.setenv("PORT", "eighty")
    with pytest.raises(SettingError, match="PORT='eighty'"):
        create_app(registry=of(fake))


def test_two_apps_share_nothing() -> None:
    first, second = (client_of(FakeClassifier(name=name)) for name in ("one", "two"))
    models = [client.post("/predict", data=b"x").get_json()["model"] for client in (first, second, first)]
    assert models == ["one", "two", "one"]


@pytest.mark.parametrize("given", ["a", "my-own.id_1", "A" * 128, "0f8fad5b-d9cb-469f-a165-70867728950e"])
def test_harmless_request_id_is_kept(client: FlaskClient, given: str) -> None:
    response = client.post("/predict", data=plain_image(), headers={"X-Request-ID": given})
    assert response.headers["X-Request-ID"] == response.get_json()["request_id"] == given


@pytest.mark.parametrize("given", ["", " ", "a b", "A" * 129, "<script>", "id=1", "a;b", "ä", '"', "../x", "a,b"])
def test_other_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    response = client.post("/predict", data=plain_image(), headers={"X-Request-ID": given})
    assert re.fullmatch("[0-9a-f]{32}", response.headers["X-Request-ID"])
    assert response.get_json()["request_id"] == response.headers["X-Request-ID"]


def test_every_request_gets_its_own_id(client: FlaskClient) -> None:
    paths = ["/", "/nowhere", "/predict", "/static/style.css"] * 2
    ids = [client.get(path, buffered=True).headers["X-Request-ID"] for path in paths]
    assert len(set(ids)) == len(paths)


def test_every_request_is_logged_in_one_line(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "access")
    ids = [
        client.get("/").headers["X-Request-ID"],
        client.post("/predict?top_k=2", data=plain_image()).headers["X-Request-ID"],
        client.get("/nowhere").headers["X-Request-ID"],
    ]
    expected = ["GET / 200", "POST /predict 200", "GET /nowhere 404"]
    assert [message.partition(" route=")[0] for message in caplog.messages] == [
        f"{line} id={request_id}" for line, request_id in zip(expected, ids, strict=True)
    ]
