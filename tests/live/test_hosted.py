"""What SageMaker and Vertex AI ask of a container, through nginx."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from benchmarks.ports import free_port
from my_inference_app.bundles.bundle import Bundle
from tests.images import plain_image
from tests.live.service import Service, nginx_alone, running

GREEN = plain_image("green")
HEALTH = "/v1/endpoints/1/deployedModels/2"
PREDICT = f"{HEALTH}:predict"


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory, tiny: Bundle) -> Iterator[Service]:
    """Started with the variables that Vertex AI sets."""
    port = free_port()
    settings = {"PORT": "", "AIP_HTTP_PORT": port, "AIP_HEALTH_ROUTE": HEALTH, "AIP_PREDICT_ROUTE": PREDICT}
    with running(tmp_path_factory.mktemp("hosted") / "log", BUNDLE=tiny.path, **settings) as service:
        service.url = f"http://127.0.0.1:{port}"
        yield service


@pytest.mark.parametrize(("path", "status"), [("/ping", "Healthy"), (HEALTH, "ready")])
def test_health_check_answers(hosted: Service, path: str, status: str) -> None:
    response = requests.get(hosted.url + path, timeout=60)
    assert (response.status_code, response.json()["status"]) == (200, status)
    assert path not in hosted.log, "health checks are not logged"


@pytest.mark.parametrize("path", ["/ping", "/vertex/health"])
def test_health_check_fails_without_the_app(tmp_path: Path, path: str) -> None:
    with nginx_alone(tmp_path, "127.0.0.1:1") as url:
        assert requests.get(url + path, timeout=60).status_code == 502


def test_health_check_refuses_another_method(hosted: Service) -> None:
    response = requests.post(f"{hosted.url}/ping", timeout=60)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")


def test_sagemaker_invocation_is_answered(hosted: Service) -> None:
    headers = {"Content-Type": "application/x-image"}
    response = requests.post(f"{hosted.url}/invocations", data=GREEN, headers=headers, timeout=60)
    assert response.json()["predictions"][0]["label"] == "green"


def test_vertex_prediction_is_answered(hosted: Service) -> None:
    sent = {"instances": [{"b64": b64encode(GREEN).decode()}], "parameters": {"top_k": 1}}
    (prediction,) = requests.post(hosted.url + PREDICT, json=sent, timeout=60).json()["predictions"]
    assert [found["label"] for found in prediction["predictions"]] == ["green"]
