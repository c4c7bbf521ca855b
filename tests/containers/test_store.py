"""docker-compose.models.yml: the app serves bundles of a folder of the host, and several of them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from tests.containers import compose
from tests.containers.conftest import Containers, name_of, options_of
from tests.containers.runtime import Container
from tests.images import REPOSITORY
from tests.pipelines import example

MODELS = REPOSITORY / "docker-compose.models.yml"
CAT = REPOSITORY / "post_request" / "cat.jpg"
SEVERAL = json.dumps([{"model": "efficientnet-lite0"}, {"model": "exposure", "replicas": 2}])


@pytest.fixture
def store(containers: Containers, tmp_path: Path) -> Path:
    """The image's bundle, and the pipeline of docs/own-python.md, where `make export` puts what it makes."""
    with containers.buildah.mounted(name_of("my_inference_app")) as root:
        shutil.copytree(root / "bundle", tmp_path / "models" / "efficientnet-lite0")
    example(tmp_path / "models" / "exposure")
    return tmp_path / "models"


def start(containers: Containers, store: Path, **variables: str) -> Container:
    loaded = compose.merged(compose.FILE, MODELS, variables=variables)
    options = options_of(loaded, "my_inference_app", variables)
    (volume,) = loaded["services"]["my_inference_app"]["volumes"]
    source, target, mode = volume.split(":")
    assert (source, mode) == ("./models", "ro")
    app = containers.run("my_inference_app", replace(options, files={**options.files, store: target}))
    app.wait_until_healthy()
    return app


def ask(app: Container, path: str) -> str:
    response = requests.post(f"http://{app.address}:8000{path}", data=CAT.read_bytes(), timeout=60)
    assert response.status_code == 200, response.text
    return str(response.json()["predictions"][0]["label"])


def test_models_of_the_folder_are_served(containers: Containers, store: Path) -> None:
    app = start(containers, store, SERVER_MODELS=SEVERAL)
    assert ask(app, "/predict") == ask(app, "/predict/efficientnet-lite0") == "tiger cat"
    assert ask(app, "/predict/exposure") == "well exposed"


@pytest.mark.parametrize(("model", "label"), [({}, "tiger cat"), ({"MODEL": "exposure"}, "well exposed")])
def test_one_model_of_the_folder_is_served(
    containers: Containers, store: Path, model: dict[str, str], label: str
) -> None:
    assert ask(start(containers, store, **model), "/predict") == label
