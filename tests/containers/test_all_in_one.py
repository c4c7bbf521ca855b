"""nginx and gunicorn in one container, for hosts that run one and say in PORT where to listen."""

from __future__ import annotations

import json
import urllib.request
from urllib.error import URLError

import pytest

from tests.containers.conftest import Containers, predict
from tests.containers.runtime import Options
from tests.images import SAMPLES


def options(**environment: str) -> Options:
    return Options(environment=environment, tmpfs={"/tmp": ""})  # noqa: S108


@pytest.mark.parametrize("port", ["8080", "5000", "8000"])
def test_service_listens_on_the_port_of_the_host(containers: Containers, port: str) -> None:
    container = containers.run("all-in-one", options(**({} if port == "8080" else {"PORT": port})))
    container.wait_until_healthy()
    answer = json.loads(predict(f"http://{container.address}:{port}", SAMPLES[0].read_bytes()))
    assert answer["model"] == "efficientnet-lite0"
    assert container.stop() == 0


def test_management_port_answers_health_checks_and_gunicorn_is_private(containers: Containers) -> None:
    container = containers.run("all-in-one", options())
    container.wait_until_healthy()
    with urllib.request.urlopen(f"http://{container.address}:8001/readyz") as response:
        assert response.status == 200
    with pytest.raises(URLError, match="refused"):
        urllib.request.urlopen(f"http://{container.address}:18000/")


def test_argument_of_sagemaker_starts_the_service(containers: Containers) -> None:
    container = containers.run("all-in-one", options(), command=["serve"])
    container.wait_until_healthy()
    with urllib.request.urlopen(f"http://{container.address}:8080/ping") as response:
        assert response.status == 200
