"""docs/own-python.md as it is written, and pipelines that fail beside a model that does not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from PIL import Image

from my_inference_app.bundles.bundle import Bundle
from tests.images import encode, plain_image
from tests.live.service import REPOSITORY, Service, running, until
from tests.pipelines import MEAN_COLOUR, block, example, pipeline

FAILING = f"""
    colour = images[:, 0, 0]
    if (colour[:, 0] > 200).any():
        raise ValueError('secret')
    while (colour[:, 2] > 200).any() and not (self.settings.folder / 'go').exists():
        time.sleep(0.05)
    {MEAN_COLOUR}
    """


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, tiny: Bundle) -> Path:
    """A model, the document's example, and a pipeline that fails on red images and hangs on blue ones."""
    store = tmp_path_factory.mktemp("store")
    (store / "tiny").symlink_to(tiny.path)
    example(store / "exposure")
    pipeline(store / "failing", FAILING, before="import time")
    return store


@pytest.fixture(scope="module")
def several(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    models = json.dumps([{"model": model} for model in ("tiny", "exposure", "failing")])
    log = tmp_path_factory.mktemp("live") / "service.log"
    with running(log, MODELS_DIR=store, SERVER_MODELS=models, WORKERS=1, REQUEST_TIMEOUT=3) as service:
        yield service


def ask(service: Service, model: str, image: bytes) -> requests.Response:
    return requests.post(f"{service.url}/predict/{model}", data=image, timeout=60)


def test_example_of_the_document_answers_its_command(service: Service) -> None:
    command = block("sh", 1).replace("localhost", service.url)
    answer = subprocess.run(command, shell=True, cwd=REPOSITORY, capture_output=True, check=True).stdout
    assert json.loads(answer)["predictions"][0]["label"] == "well exposed"
    black = encode(Image.new("RGB", (50, 40)))
    assert ask(service, "exposure", black).json()["predictions"][0]["label"] == "too dark"


def test_models_are_described_alike(service: Service) -> None:
    about = {
        model["name"]: model["versions"][0]
        for model in requests.get(f"{service.url}/models", timeout=60).json()["models"]
    }
    assert [model["engine"] for model in about.values()] == ["openvino", "python", "openvino"]
    assert (about["exposure"]["replicas"], about["exposure"]["labels"], about["exposure"]["license"]) == (2, 3, "MIT")


def test_exception_of_a_pipeline_is_logged_and_not_shown(several: Service) -> None:
    answer = ask(several, "failing", plain_image("red"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "model_failed")
    assert "secret" not in answer.text and "ValueError" not in answer.text
    (line,) = [line for line in several.log.splitlines() if "ValueError: secret (line" in line]
    assert "failing/pipeline.py" in line
    assert f"request {answer.headers['X-Request-ID']}" in several.log


def test_pipeline_that_hangs_times_out_and_hurts_no_other_model(several: Service, store: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(ask, several, "failing", plain_image("blue"))
        others = 0
        while not hanging.done():
            assert ask(several, "tiny", plain_image()).status_code == 200
            assert ask(several, "exposure", plain_image()).status_code == 200
            others += 1
        assert others > 1
        assert (hanging.result().status_code, hanging.result().json()["error"]["code"]) == (504, "timeout")
    refused = ask(several, "failing", plain_image("green"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "not_ready")
    (store / "failing" / "go").touch()
    until(lambda: ask(several, "failing", plain_image("green")).status_code == 200)
