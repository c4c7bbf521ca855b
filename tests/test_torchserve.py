"""The management port lists the models as TorchServe does."""

from __future__ import annotations

import os
from typing import Any

import pytest
from werkzeug.test import Client

from my_inference_app.inference.registry import of
from my_inference_app.management import Management
from my_inference_app.settings import Settings
from tests.conftest import FakeClassifier


@pytest.fixture
def client() -> Client:
    models = FakeClassifier("a/first"), FakeClassifier("second", "3", waiting=2), FakeClassifier("second", "4")
    return Client(Management(of(*models), lambda: False, Settings(queue_size=7)))


def test_ping_is_healthy_while_the_models_are_ready(fake: FakeClassifier) -> None:
    client = Client(Management(of(fake), lambda: False, Settings()))
    assert client.get("/ping").get_json() == {"status": "Healthy"}
    fake.ready = False
    response = client.get("/ping")
    assert response.status_code == 503
    assert response.get_json()["type"] == "ServiceUnavailableException"


def test_models_are_listed(client: Client) -> None:
    assert client.get("/models").get_json() == {
        "models": [{"modelName": "a/first", "modelUrl": "a/first"}, {"modelName": "second", "modelUrl": "second"}]
    }


def test_list_is_divided_into_pages(client: Client) -> None:
    first = client.get("/models?limit=1").get_json()
    assert [model["modelName"] for model in first["models"]] == ["a/first"]
    last = client.get(f"/models?limit=1&next_page_token={first['nextPageToken']}").get_json()
    assert [model["modelName"] for model in last["models"]] == ["second"]
    assert "nextPageToken" not in last
    assert client.get("/models?next_page_token=99").get_json() == {"models": []}


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=-1", "next_page_token=x", "limit=99999999999"])
def test_malformed_page_is_refused(client: Client, query: str) -> None:
    response = client.get(f"/models?{query}")
    assert response.status_code == 400
    assert response.get_json()["type"] == "BadRequestException"
    assert "Retry-After" not in response.headers


def described(client: Client, address: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(address).get_json()
    return found


@pytest.mark.parametrize(
    ("address", "versions"),
    [("/models/second", ["3"]), ("/models/second/4", ["4"]), ("/models/second/all", ["3", "4"]),
     ("/models/a/first", ["1"]), ("/models/a/first/1", ["1"]), ("/models/first", ["1"])],
)  # fmt: skip
def test_model_is_described_in_its_versions(client: Client, address: str, versions: list[str]) -> None:
    assert [item["modelVersion"] for item in described(client, address)] == versions


def test_description_names_workers_and_queue(client: Client) -> None:
    (item,) = described(client, "/models/second")
    assert (item["modelName"], item["minWorkers"], item["maxWorkers"]) == ("second", 1, 1)
    (worker,) = item["workers"]
    assert (worker["status"], worker["pid"]) == ("READY", os.getpid())
    assert item["jobQueueStatus"] == {"remainingCapacity": 5, "pendingRequests": 2}


@pytest.mark.parametrize(
    "address", ["/models/nothing", "/models/second/9", "/models/nothing/all", "/models/second/x/y"]
)
def test_unknown_model_returns_404(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert response.get_json()["type"] == "ModelNotFoundException"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_models_cannot_be_changed(client: Client, method: str) -> None:
    response = client.open("/models/second", method=method)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")
