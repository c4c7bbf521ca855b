"""The management port: health checks and metrics, apart from the requests of clients."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from threading import Event
from urllib.request import urlopen

import pytest
from werkzeug.serving import make_server
from werkzeug.test import Client

from benchmarks.ports import free_port
from my_inference_app import management
from my_inference_app.errors import SettingError
from my_inference_app.inference.registry import of
from my_inference_app.management import Management
from my_inference_app.settings import Settings
from tests.conftest import FakeClassifier
from tests.exposition import total


@pytest.fixture
def stopping() -> Event:
    return Event()


@pytest.fixture
def client(fake: FakeClassifier, stopping: Event) -> Client:
    return Client(Management(of(fake), stopping.is_set, Settings(), lambda: 7))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_health_check_returns_200(client: Client, method: str) -> None:
    assert client.open("/healthz", method=method).status_code == 200
    assert client.open("/readyz", method=method).status_code == 200


def test_ready_names_the_model(client: Client) -> None:
    assert client.get("/readyz").get_json() == {"status": "ready", "model": "fake"}


def test_label_studio_is_told_that_the_model_is_up(client: Client, fake: FakeClassifier) -> None:
    assert client.get("/label-studio/health").get_json() == {"status": "UP", "model_class": "fake"}
    fake.ready = False
    assert client.get("/label-studio/health").status_code == 503


def test_model_that_is_not_loaded_is_alive_and_not_ready(client: Client, fake: FakeClassifier) -> None:
    fake.ready = False
    response = client.get("/readyz")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    assert response.get_json()["error"]["code"] == "not_ready"
    assert client.get("/healthz").status_code == 200


def test_stopping_server_is_alive_and_not_ready(client: Client, stopping: Event) -> None:
    stopping.set()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.get_json()["error"]["message"] == "the server is stopping"
    assert client.get("/healthz").status_code == 200


def test_metrics_are_text_and_include_waiting_requests(client: Client) -> None:
    response = client.get("/metrics")
    assert response.content_type.startswith("text/plain")
    assert total(response.text, "inference_requests_waiting", {}) == 7


def test_other_path_returns_404_and_names_those_there_are(client: Client) -> None:
    response = client.get("/predict")
    assert response.status_code == 404
    assert response.get_json()["error"] == {
        "code": "not_found",
        "message": "this port has /healthz, /readyz, /ping, /label-studio/health, /metrics, /models",
    }


def test_other_method_returns_405(client: Client) -> None:
    response = client.post("/healthz")
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")


def test_port_is_shared_by_workers_and_by_nobody_else(fake: FakeClassifier) -> None:
    port = free_port()
    settings = Settings(management_port=port)
    for _ in range(2):
        management.start(of(fake), lambda: False, settings)
    with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30) as response:
        assert json.load(response)["model"] == "fake"
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))


def test_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingError, match=f"MANAGEMENT_PORT={port} cannot be used"):
            management.listen("127.0.0.1", port)


def test_silent_client_does_not_keep_others_waiting(fake: FakeClassifier) -> None:
    port = free_port()
    management.start(of(fake), lambda: False, Settings(management_port=port))
    with socket.create_connection(("127.0.0.1", port)), urlopen(f"http://127.0.0.1:{port}/healthz") as response:
        assert response.status == 200


def test_response_is_sent_in_one_piece(fake: FakeClassifier) -> None:
    """A worker that dies between two pieces would leave half a response, and nginx could not ask another worker."""
    client, connection = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # keeps the pieces apart
    app = Management(of(fake), Event().is_set, Settings())
    server = make_server("127.0.0.1", 0, app, request_handler=management._Handler)
    with client, connection, closing(server.socket):
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        management._Handler(connection, ("127.0.0.1", 0), server)
        assert client.recv(65536).endswith(b'\r\n\r\n{"status": "alive"}\n')
