"""The image for the nodes and web machines of a Ray cluster. It shares most layers with the usual one."""

from __future__ import annotations

import requests

from tests.containers.conftest import Containers
from tests.containers.runtime import Options
from tests.images import REPOSITORY


def test_image_for_ray_serves_from_a_ray_of_its_own(containers: Containers) -> None:
    """Node and web machine in one: it deploys its bundle, and a replica computes."""
    containers.buildah.build("build", "ray", MODEL="efficientnet-lite0")
    app = containers.run("ray", Options(tmpfs={"/tmp": "mode=1777"}))  # noqa: S108
    app.wait_until_healthy()
    cat = (REPOSITORY / "post_request" / "cat.jpg").read_bytes()
    answer = requests.post(f"http://{app.address}:8000/predict", data=cat, timeout=60)
    assert "cat" in answer.json()["predictions"][0]["label"], answer.text
    described = requests.get(f"http://{app.address}:8000/models/efficientnet-lite0", timeout=60).json()
    assert described["versions"][0]["engine"] == "ray"
