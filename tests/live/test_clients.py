"""Clients from PyPI and npm, as they are installed, against the real service."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

from my_inference_app.bundles.bundle import Bundle
from tests.images import plain_image
from tests.live.service import REPOSITORY, Service, running

CAT = REPOSITORY / "post_request" / "cat.jpg"
CLIENTS = REPOSITORY / "tests" / "clients"
LABEL = "tiger cat"


@pytest.fixture(scope="module")
def two_models(tmp_path_factory: pytest.TempPathFactory, efficientnet: Path, tiny: Bundle) -> Iterator[Service]:
    """The second one is called as models of the hub are."""
    store = tmp_path_factory.mktemp("store")
    (store / "efficientnet-lite0").symlink_to(efficientnet)
    (store / "org--colours").symlink_to(tiny.path)
    models = [{"model": "efficientnet-lite0"}, {"model": "org/colours", "name": "org/colours"}]
    settings = {"MODELS_DIR": store, "SERVER_MODELS": json.dumps(models)}
    with running(tmp_path_factory.mktemp("two") / "log", **settings) as service:
        yield service


def hugging_face(service: Service, address: str = "/hf") -> InferenceClient:
    return InferenceClient(model=service.url + address, token="hf_saved")


def test_huggingface_hub_classifies_with_both_models(two_models: Service, tmp_path: Path) -> None:
    green = tmp_path / "green.png"
    green.write_bytes(plain_image("green"))
    assert hugging_face(two_models).image_classification(CAT)[0].label == LABEL
    for name in ("org/colours", "org--colours", "colours"):
        assert hugging_face(two_models, f"/hf/{name}").image_classification(green)[0].label == "green"


def test_huggingface_hub_sends_parameters(two_models: Service) -> None:
    client = hugging_face(two_models, "/hf/efficientnet-lite0")
    predictions = client.image_classification(CAT.read_bytes(), top_k=3, function_to_apply="none")
    assert len(predictions) == 3
    assert predictions[0].label == LABEL
    assert predictions[0].score > 1, "a logit"
    sigmoid = client.image_classification(CAT.read_bytes(), function_to_apply="sigmoid")
    assert 0.5 < sigmoid[0].score < 1


def test_huggingface_hub_reads_info_and_health(two_models: Service) -> None:
    client = InferenceClient(model=f"{two_models.url}/hf/colours", provider="hf-inference")
    assert client.get_endpoint_info()["model_id"] == "org/colours"
    assert client.health_check()
    assert not client.health_check(f"{two_models.url}/hf/nothing")


def test_huggingface_hub_shows_the_error(two_models: Service) -> None:
    with pytest.raises(HfHubHTTPError) as caught:
        hugging_face(two_models, "/hf/nothing").image_classification(CAT)
    assert caught.value.response.status_code == 404
    assert "there is efficientnet-lite0" in str(caught.value)


JAVASCRIPT = """
import { readFile } from "node:fs/promises";
import { InferenceClient } from "@huggingface/inference";

const [, url, file] = process.argv;
const bytes = await readFile(file);
const client = new InferenceClient("hf_saved").endpoint(url);
const raw = await client.imageClassification({ data: new Blob([bytes], { type: "image/jpeg" }) });
const parameters = { top_k: 2, function_to_apply: "none" };
const asked = await client.request({ inputs: bytes.toString("base64"), parameters });
const failed = await client.imageClassification({ data: new Blob(["not an image"]) }).catch((error) => error.message);
console.log(JSON.stringify({ raw, asked, failed }));
"""


def javascript(code: str, *arguments: str | Path) -> str:
    command = ["node", "--input-type=module", "--eval", code, *map(str, arguments)]
    return subprocess.run(command, cwd=CLIENTS, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("address", ["/hf", "/hf/efficientnet-lite0"])
def test_huggingface_inference_of_npm_classifies_and_shows_the_error(two_models: Service, address: str) -> None:
    found = json.loads(javascript(JAVASCRIPT, two_models.url + address, CAT))
    assert len(found["raw"]) == 5
    assert found["raw"][0]["label"] == found["asked"][0]["label"] == LABEL
    assert len(found["asked"]) == 2
    assert found["asked"][0]["score"] > 1, "a logit"
    assert "not an image" in found["failed"] or "format" in found["failed"]


def curl(*arguments: str | Path) -> dict[str, object]:
    output = subprocess.run(["curl", "-sS", *arguments], stdout=subprocess.PIPE, check=True, timeout=60).stdout
    answer: dict[str, object] = json.loads(output)
    return answer


def test_curl_uploads_to_torchserve(two_models: Service) -> None:
    address = f"{two_models.url}/predictions/efficientnet-lite0"
    for arguments in (["-T", CAT, address], ["-T", CAT, f"{address}/1"], ["-F", f"data=@{CAT}", address]):
        probabilities = curl(*arguments)
        assert next(iter(probabilities)) == LABEL
        assert len(probabilities) == 5


def test_requests_calls_torchserve_as_its_users_do(two_models: Service) -> None:
    assert requests.get(f"{two_models.url}/ping", timeout=60).json() == {"status": "Healthy"}
    with CAT.open("rb") as file:
        url = f"{two_models.url}/predictions/efficientnet-lite0"
        assert LABEL in requests.post(url, files={"data": file}, timeout=60).json()
    explained = f"{two_models.url}/explanations/efficientnet-lite0"
    (explanation,) = requests.post(explained, data=CAT.read_bytes(), timeout=60).json()
    assert {"class_id", "grid", "box"} <= set(explanation)
    green = plain_image("green")
    refused = requests.post(f"{two_models.url}/explanations/org/colours", data=green, timeout=60)
    assert (refused.status_code, refused.json()["code"]) == (501, 501)
    described = requests.options(two_models.url, timeout=60).json()
    assert "/predictions/{name}" in described["paths"]


def test_torchserve_lists_models_on_the_management_port(two_models: Service) -> None:
    management = two_models.management_url
    first = requests.get(f"{management}/models", params={"limit": 1}, timeout=60).json()
    assert first["models"][0]["modelName"] == "efficientnet-lite0"
    rest = requests.get(f"{management}/models", params={"next_page_token": first["nextPageToken"]}, timeout=60).json()
    assert [model["modelName"] for model in rest["models"]] == ["org/colours"]
    (described,) = requests.get(f"{management}/models/org/colours", timeout=60).json()
    assert described["workers"][0]["status"] == "READY"
