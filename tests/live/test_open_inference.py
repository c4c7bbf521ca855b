"""Triton's own client, and what its sample programs and those of OpenVINO Model Server do, against the real service."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from numpy.typing import NDArray
from PIL import Image
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

from tests.images import REPOSITORY
from tests.live.service import Service

CAT, COFFEE = (REPOSITORY / "post_request" / name for name in ("cat.jpg", "coffee.jpg"))
MODEL = "efficientnet-lite0"
TIGER_CAT, ESPRESSO = 282, 967


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(service.url.removeprefix("http://"), concurrency=4) as client:
        yield client


def files(*paths: Path) -> triton.InferInput:
    """Image files in a tensor, as the samples of OpenVINO Model Server send them."""
    found = triton.InferInput("image", [len(paths)], "BYTES")
    return found.set_data_from_numpy(np.array([path.read_bytes() for path in paths], np.object_))


def wanted(name: str = "probabilities", **options: Any) -> triton.InferRequestedOutput:
    return triton.InferRequestedOutput(name, **options)


def classes(result: triton.InferResult, name: str = "probabilities") -> list[int]:
    return [int(text.split(b":")[1]) for text in result.as_numpy(name)[:, 0]]


def test_client_reads_health_and_metadata(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready(MODEL) and client.is_model_ready(MODEL, "1")
    assert not client.is_model_ready("none") and not client.is_model_ready(MODEL, "9")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    assert client.get_model_metadata(MODEL, "1") == client.get_model_metadata(MODEL)
    assert client.get_model_config(MODEL)["max_batch_size"] == 32
    index = [(entry["name"], entry["version"], entry["state"]) for entry in client.get_model_repository_index()]
    assert index == [(name, "1", "READY") for name in (MODEL, "exposure", "org/colours")]


def test_features_are_those_of_embed(client: triton.InferenceServerClient, service: Service) -> None:
    result = client.infer(MODEL, [files(CAT, COFFEE)], outputs=[wanted("features"), wanted()])
    assert np.argmax(result.as_numpy("probabilities"), axis=1).tolist() == [TIGER_CAT, ESPRESSO]
    url = f"{service.url}/embed?normalize=1"
    embedded = np.array(requests.post(url, data=COFFEE.read_bytes(), timeout=60).json()["embedding"])
    found = result.as_numpy("features")[1]
    assert found.shape == embedded.shape
    assert found @ embedded / np.linalg.norm(found) == pytest.approx(1, abs=1e-3)


def test_statistics_sum_all_workers(client: triton.InferenceServerClient) -> None:
    def counted() -> int:
        (found,) = client.get_inference_statistics(MODEL)["model_stats"]
        same = client.get_inference_statistics()["model_stats"][0]
        assert (same["name"], same["version"]) == (found["name"], found["version"])
        return int(found["inference_count"])

    before = counted()
    for _ in range(6):
        client.infer(MODEL, [files(CAT, COFFEE)])
    assert counted() >= before + 12


def test_client_is_told_that_models_cannot_be_changed(client: triton.InferenceServerClient) -> None:
    for change in (client.load_model, client.unload_model):
        with pytest.raises(InferenceServerException, match="whoever runs the service") as raised:
            change(MODEL)
        assert raised.value.status() == "400"


def test_files_are_classified_as_in_the_samples_of_openvino_model_server(client: triton.InferenceServerClient) -> None:
    probabilities = client.infer(MODEL, [files(CAT, COFFEE)]).as_numpy("probabilities")
    assert (probabilities.dtype, probabilities.shape) == (np.float32, (2, 1000))
    assert np.argmax(probabilities, axis=1).tolist() == [TIGER_CAT, ESPRESSO]


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("encoding", [None, "gzip", "deflate"])
def test_every_form_of_request_and_response_gives_the_same(
    client: triton.InferenceServerClient, binary: bool, encoding: str | None
) -> None:
    tensor = triton.InferInput("image", [1], "BYTES")
    data = CAT.read_bytes() if binary else b64encode(CAT.read_bytes())
    tensor.set_data_from_numpy(np.array([data], np.object_), binary_data=binary)
    outputs = [wanted("logits", binary_data=binary), wanted(binary_data=binary, class_count=3)]
    result = client.infer(
        MODEL,
        [tensor],
        model_version="1",
        outputs=outputs,
        request_id="my-id",
        priority=1,
        timeout=1000,
        parameters={"anything": "else"},
        request_compression_algorithm=encoding,
        response_compression_algorithm=encoding,
    )
    assert result.get_response()["id"] == "my-id"
    assert int(result.as_numpy("logits").argmax()) == TIGER_CAT
    assert result.as_numpy("probabilities").shape == (1, 3)
    text = result.as_numpy("probabilities")[0, 0]
    assert (text.decode() if binary else text).split(":")[1:] == [str(TIGER_CAT), "tiger cat"]


def test_asynchronous_requests_are_answered(client: triton.InferenceServerClient) -> None:
    sent = [client.async_infer(MODEL, [files(path)], outputs=[wanted(class_count=1)]) for path in (CAT, COFFEE) * 4]
    assert [classes(request.get_result()) for request in sent] == [[TIGER_CAT], [ESPRESSO]] * 4


def test_pipeline_of_ones_own_takes_files_and_pixels(client: triton.InferenceServerClient) -> None:
    height, width = client.get_model_metadata("exposure")["inputs"][0]["shape"][1:3]
    white = triton.InferInput("image", [1, height, width, 3], "UINT8")
    white.set_data_from_numpy(np.full((1, height, width, 3), 255, np.uint8))
    labels = [
        client.infer("exposure", [sent], outputs=[wanted(class_count=1)]).as_numpy("probabilities")[0, 0].split(b":")[2]
        for sent in (files(CAT), white)
    ]
    assert labels == [b"well exposed", b"too bright"]


def test_body_of_the_client_can_be_sent_by_other_means(service: Service) -> None:
    body, length = triton.InferenceServerClient.generate_request_body([files(CAT)], outputs=[wanted("logits")])
    headers = {"Inference-Header-Content-Length": str(length)}
    response = requests.post(f"{service.url}/v2/models/{MODEL}/infer", data=body, headers=headers, timeout=60)
    length = int(response.headers["Inference-Header-Content-Length"])
    result = triton.InferenceServerClient.parse_response_body(response.content, header_length=length)
    assert int(result.as_numpy("logits").argmax()) == TIGER_CAT


@pytest.mark.parametrize(
    ("name", "datatype", "shape", "message"),
    [
        ("image", "UINT8", [1, 5, 5, 3], "this model takes"),
        ("image", "INT32", [1, 224, 224, 3], "the datatype 'INT32' is not supported"),
        ("data", "UINT8", [1, 224, 224, 3], "the model has no input 'data'"),
    ],
)
def test_client_gets_the_reason_of_a_refusal(
    client: triton.InferenceServerClient, name: str, datatype: str, shape: list[int], message: str
) -> None:
    tensor = triton.InferInput(name, shape, datatype)
    tensor.set_data_from_numpy(np.zeros(shape, triton_to_np_dtype(datatype)))
    with pytest.raises(InferenceServerException, match=message) as raised:
        client.infer(MODEL, [tensor])
    assert raised.value.status() == "400"
    with pytest.raises(InferenceServerException, match="there is no model 'none'") as raised:
        client.infer("none", [tensor])
    assert raised.value.status() == "404"


def test_asyncio_client_works(service: Service) -> None:
    async def use() -> None:
        async with triton_aio.InferenceServerClient(service.url.removeprefix("http://")) as client:
            questions: list[Callable[..., Awaitable[bool]]] = [client.is_server_live, client.is_server_ready]
            assert all([await question() for question in questions]) and await client.is_model_ready(MODEL)
            assert (await client.get_server_metadata())["name"]
            assert (await client.get_model_metadata(MODEL))["inputs"] and await client.get_model_config(MODEL)
            assert await client.get_model_repository_index() and await client.get_inference_statistics(MODEL)
            sent = [client.infer(MODEL, [files(path)], outputs=[wanted(class_count=1)]) for path in (CAT, COFFEE)]
            assert [classes(result) for result in await asyncio.gather(*sent)] == [[TIGER_CAT], [ESPRESSO]]
            with pytest.raises(InferenceServerException, match="there is no model"):
                await client.get_model_metadata("none")

    asyncio.run(use())


def image_classifier(client: triton.InferenceServerClient) -> tuple[str, str, tuple[int, int], str]:
    """The demands that Triton's image_client makes on a model before it sends images."""
    metadata, config = client.get_model_metadata(MODEL), client.get_model_config(MODEL)
    assert len(metadata["inputs"]) == len(metadata["outputs"]) == len(config["input"]) == 1
    (taken,), (given,) = metadata["inputs"], metadata["outputs"]
    assert given["datatype"] == "FP32"
    assert config["max_batch_size"] > 0 and sum(length > 1 for length in given["shape"][1:]) == 1
    assert len(taken["shape"]) == 4
    assert config["input"][0]["format"] == "FORMAT_NHWC"
    height, width, channels = taken["shape"][1:]
    assert channels == 3
    return taken["name"], given["name"], (height, width), taken["datatype"]


def pixels(path: Path, size: tuple[int, int], datatype: str) -> NDArray[Any]:
    height, width = size
    with Image.open(path) as image:
        resized = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    return np.array(resized).astype(triton_to_np_dtype(datatype))


@pytest.mark.parametrize("asynchronous", [False, True])
def test_image_client_of_triton_is_served(client: triton.InferenceServerClient, asynchronous: bool) -> None:
    name, output, size, datatype = image_classifier(client)
    batch = np.stack([pixels(path, size, datatype) for path in (CAT, COFFEE)])
    tensor = triton.InferInput(name, batch.shape, datatype)
    tensor.set_data_from_numpy(batch)
    arguments = {"request_id": "1", "model_version": "", "outputs": [wanted(output, class_count=3)]}
    send = client.async_infer if asynchronous else client.infer
    result = send(MODEL, [tensor], **arguments)
    found = (result.get_result() if asynchronous else result).as_numpy(output)
    assert found.shape == (2, 3) and found.dtype.type == np.object_
    best = ["".join(chr(code) for code in row[0]).split(":") for row in found]
    cat, coffee = (label for _, _, label in best)
    assert cat in ("tiger cat", "tabby", "Egyptian cat"), "squeezed to a square, as that program does it"
    assert coffee == "espresso"


def test_body_that_expands_beyond_the_limit_is_refused(service: Service) -> None:
    for encoding, compress in (("gzip", gzip.compress), ("deflate", zlib.compress)):
        response = requests.post(
            f"{service.url}/v2/models/{MODEL}/infer",
            data=compress(bytes(100 << 20)),
            headers={"Content-Encoding": encoding},
            timeout=60,
        )
        assert response.status_code == 413
        assert "10 MB when decompressed" in response.json()["error"]


def test_kserve_v1_answers(service: Service) -> None:
    models = f"{service.url}/v1/models"
    name, own, _ = requests.get(models, timeout=60).json()["models"]
    assert requests.get(f"{models}/{name}", timeout=60).json() == {"name": name, "ready": True}
    instances = [{"b64": b64encode(path.read_bytes()).decode()} for path in (CAT, COFFEE)]
    response = requests.post(f"{models}/{name}:predict", data=json.dumps({"instances": instances}), timeout=60)
    found = response.json()["predictions"]
    assert [predictions[0]["class_id"] for predictions in found] == [TIGER_CAT, ESPRESSO]
    response = requests.post(f"{models}/{own}:predict", data=json.dumps({"instances": instances}), timeout=60)
    assert [predictions[0]["label"] for predictions in response.json()["predictions"]] == ["well exposed"] * 2
    response = requests.post(f"{models}/{name}:explain", data=json.dumps({"instances": instances}), timeout=60)
    explained = response.json()["explanations"]
    assert [explanation["class_id"] for (explanation,) in explained] == [TIGER_CAT, ESPRESSO]
