from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from my_inference_app.bundles.bundle import Bundle, read
from my_inference_app.inference.classifier import ModelClassifier
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import FakeClassifier, assert_error


def test_alive(client: FlaskClient) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.get_json()) == (200, {"status": "alive"})


def test_ready(client: FlaskClient) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.get_json()) == (200, {"status": "ready", "model": "fake"})


def test_alive_but_not_ready_before_the_model_is(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.ready = False
    assert client.get("/healthz").status_code == 200
    assert "not ready" in assert_error(client.get("/readyz"), 503, "not_ready")
    fake.ready = True
    assert client.get("/readyz").status_code == 200


def test_alive_but_not_ready_while_stopping(client: FlaskClient) -> None:
    client.application.extensions["stopping"] = lambda: True
    assert client.get("/healthz").status_code == 200
    assert "stopping" in assert_error(client.get("/readyz"), 503, "not_ready")


def test_a_real_model_is_ready_once_it_is_warm(tiny: Bundle) -> None:
    classifier = ModelClassifier(read(tiny.path), Settings())
    client = create_app(Settings(), classifier).test_client()
    assert_error(client.get("/readyz"), 503, "not_ready")
    classifier.warm_up()
    assert client.get("/readyz").get_json() == {"status": "ready", "model": "tiny"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_head(client: FlaskClient, path: str) -> None:
    response = client.head(path)
    assert (response.status_code, response.data) == (200, b"")


@pytest.mark.parametrize("error", [RuntimeError("no engine"), MemoryError()])
def test_probes_do_not_compute(client: FlaskClient, fake: FakeClassifier, error: Exception) -> None:
    fake.error = error
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
