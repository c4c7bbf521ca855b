"""Clients from PyPI and npm, as they are installed, and what Label Studio sends, against the real service."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest
import requests
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

from tests.api.protocols.test_label_studio import PARAMS, task
from tests.images import plain_image
from tests.live.service import REPOSITORY, Service

CAT = REPOSITORY / "post_request" / "cat.jpg"
CLIENTS = REPOSITORY / "tests" / "clients"
LABEL = "tiger cat"


def hugging_face(service: Service, address: str = "/hf") -> InferenceClient:
    return InferenceClient(model=service.url + address, token="hf_saved")


def test_huggingface_hub_classifies_with_every_model(service: Service, tmp_path: Path) -> None:
    green = tmp_path / "green.png"
    green.write_bytes(plain_image("green"))
    assert hugging_face(service, "/hf/exposure").image_classification(CAT)[0].label == "well exposed"
    assert hugging_face(service).image_classification(CAT)[0].label == LABEL
    for name in ("org/colours", "org--colours", "colours"):
        assert hugging_face(service, f"/hf/{name}").image_classification(green)[0].label == "green"


def test_huggingface_hub_sends_parameters(service: Service) -> None:
    client = hugging_face(service, "/hf/efficientnet-lite0")
    predictions = client.image_classification(CAT.read_bytes(), top_k=3, function_to_apply="none")
    assert len(predictions) == 3
    assert predictions[0].label == LABEL
    assert predictions[0].score > 1, "a logit"
    sigmoid = client.image_classification(CAT.read_bytes(), function_to_apply="sigmoid")
    assert 0.5 < sigmoid[0].score < 1


def test_huggingface_hub_reads_info_and_health(service: Service) -> None:
    client = InferenceClient(model=f"{service.url}/hf/colours", provider="hf-inference")
    assert client.get_endpoint_info()["model_id"] == "org/colours"
    assert client.health_check()
    assert not client.health_check(f"{service.url}/hf/nothing")


def test_huggingface_hub_shows_the_error(service: Service) -> None:
    with pytest.raises(HfHubHTTPError) as caught:
        hugging_face(service, "/hf/nothing").image_classification(CAT)
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
def test_huggingface_inference_of_npm_classifies_and_shows_the_error(service: Service, address: str) -> None:
    found = json.loads(javascript(JAVASCRIPT, service.url + address, CAT))
    assert len(found["raw"]) == 5
    assert found["raw"][0]["label"] == found["asked"][0]["label"] == LABEL
    assert len(found["asked"]) == 2
    assert found["asked"][0]["score"] > 1, "a logit"
    assert "not an image" in found["failed"] or "format" in found["failed"]


def curl(*arguments: str | Path) -> dict[str, object]:
    output = subprocess.run(["curl", "-sS", *arguments], stdout=subprocess.PIPE, check=True, timeout=60).stdout
    answer: dict[str, object] = json.loads(output)
    return answer


def test_curl_uploads_to_torchserve(service: Service) -> None:
    address = f"{service.url}/predictions/efficientnet-lite0"
    for arguments in (["-T", CAT, address], ["-T", CAT, f"{address}/1"], ["-F", f"data=@{CAT}", address]):
        probabilities = curl(*arguments)
        assert next(iter(probabilities)) == LABEL
        assert len(probabilities) == 5
    assert next(iter(curl("-T", CAT, f"{service.url}/predictions/exposure"))) == "well exposed"


def test_requests_calls_torchserve_as_its_users_do(service: Service) -> None:
    assert requests.get(f"{service.url}/ping", timeout=60).json() == {"status": "Healthy"}
    with CAT.open("rb") as file:
        url = f"{service.url}/predictions/efficientnet-lite0"
        assert LABEL in requests.post(url, files={"data": file}, timeout=60).json()
    explained = f"{service.url}/explanations/efficientnet-lite0"
    (explanation,) = requests.post(explained, data=CAT.read_bytes(), timeout=60).json()
    assert {"class_id", "grid", "box"} <= set(explanation)
    green = plain_image("green")
    refused = requests.post(f"{service.url}/explanations/org/colours", data=green, timeout=60)
    assert (refused.status_code, refused.json()["code"]) == (501, 501)
    described = requests.options(service.url, timeout=60).json()
    assert "/predictions/{name}" in described["paths"]


def test_torchserve_lists_models_on_the_management_port(service: Service) -> None:
    management = service.management_url
    first = requests.get(f"{management}/models", params={"limit": 1}, timeout=60).json()
    assert first["models"][0]["modelName"] == "efficientnet-lite0"
    rest = requests.get(f"{management}/models", params={"next_page_token": first["nextPageToken"]}, timeout=60).json()
    assert [model["modelName"] for model in rest["models"]] == ["exposure", "org/colours"]
    (described,) = requests.get(f"{management}/models/org/colours", timeout=60).json()
    assert described["workers"][0]["status"] == "READY"


def test_label_studio_is_served(service: Service) -> None:
    """With its requests as tests/api/protocols/test_label_studio.py has them, and with a pipeline of one's own."""
    for path, choices, expected in (
        ("/label-studio", ("tabby", "tiger cat"), "tiger cat"),
        ("/label-studio/exposure", ("too dark", "well exposed", "too bright"), "well exposed"),
    ):
        values = "".join(f"<Choice value='{choice}'/>" for choice in choices)
        config = f"<View><Image name='i' value='$image'/><Choices name='c' toName='i'>{values}</Choices></View>"
        address = service.url + path
        assert requests.get(f"{address}/health", timeout=60).json()["status"] == "UP"
        setup = {"project": "7.1764565000", "schema": config, "hostname": "http://127.0.0.1:9", "access_token": "x"}
        version = requests.post(f"{address}/setup", json=setup, timeout=60).json()["model_version"]
        image = f"data:image/jpeg;base64,{b64encode(CAT.read_bytes()).decode()}"
        sent = {"tasks": [task(image)] * 2, "project": "7.1764565000", "label_config": config, "params": PARAMS}
        answer = requests.post(f"{address}/predict", json=sent, auth=("someone", "a password"), timeout=60).json()
        assert answer["model_version"] == version
        assert [found["result"][0]["value"]["choices"] for found in answer["results"]] == [[expected]] * 2
