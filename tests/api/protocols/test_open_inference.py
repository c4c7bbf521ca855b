"""The Open Inference Protocol: addresses, requests, responses and errors."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from base64 import b64encode
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from numpy.typing import NDArray
from werkzeug.test import TestResponse

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import ImageUndecodable, Overloaded
from my_inference_app.inference.answers import Prediction
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import DESCRIPTION, FakeClassifier, client_of
from tests.images import COLOURS, plain_image

DATA = plain_image()
HEADER = "Inference-Header-Content-Length"
PIXELS = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(1, 4, 6, 3)
INFER = "/v2/models/fake/infer"


def tensor(
    data: object = None, datatype: object = "UINT8", shape: object = (1, 4, 6, 3), **other: Any
) -> dict[str, Any]:
    found = PIXELS.ravel().tolist() if data is None else data
    return {"name": "image", "datatype": datatype, "shape": shape, "data": found, **other}


def inputs(**values: Any) -> dict[str, Any]:
    return {"json": {"inputs": [tensor(**values)]}}


def with_bytes(data: bytes, datatype: str, shape: list[int], **request: Any) -> dict[str, Any]:
    """Triton's binary extension."""
    sent = {"name": "image", "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": len(data)}}
    text = json.dumps({"inputs": [sent], **request}).encode()
    return {"data": text + data, "headers": {HEADER: str(len(text))}}


def pixels_seen(fake: FakeClassifier) -> NDArray[np.uint8]:
    return np.stack([image for image in fake.images if isinstance(image, np.ndarray)])


def element(data: bytes) -> bytes:
    return len(data).to_bytes(4, "little") + data


def message_of(response: TestResponse) -> str:
    """An error is one text, and nothing else."""
    body = response.get_json()
    assert list(body) == ["error"] and isinstance(body["error"], str)
    return str(body["error"])


@pytest.fixture
def fake() -> FakeClassifier:
    return FakeClassifier(predictions=[Prediction("cat", 0.75, 0), Prediction("dog", 0.25, 2)])


def test_server_names_itself_and_its_extensions(client: FlaskClient) -> None:
    for address in ("/v2", "/v2/"):
        answer = client.get(address).get_json()
        assert set(answer) == {"name", "version", "extensions"}
        assert {"binary_tensor_data", "classification", "model_repository"} <= set(answer["extensions"])


def test_health_follows_the_models() -> None:
    loading = client_of(FakeClassifier("one"), FakeClassifier("two", ready=False))
    assert loading.get("/v2/health/live").status_code == 200
    for address in ("/v2/health/ready", "/v2/models/two/ready", "/v2/models/two/versions/1/ready"):
        response = loading.get(address)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
        assert "loading" in message_of(response)
    assert loading.get("/v2/models/one/ready").status_code == 200


def test_metadata_declares_one_input_and_one_output() -> None:
    client = client_of(FakeClassifier("a/b", "1"), FakeClassifier("a/b", "2"))
    expected = {
        "name": "a/b",
        "versions": ["1", "2"],
        "platform": "openvino",
        "inputs": [{"name": "image", "datatype": "UINT8", "shape": [-1, 4, 6, 3]}],
        "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 109]}],
    }
    assert client.get("/v2/models/a/b").get_json() == expected
    assert client.get("/v2/models/a/b/versions/2").get_json() == {**expected, "versions": ["2"]}
    assert client.get("/v2/models").get_json() == {"models": ["a/b"]}


def test_configuration_says_how_pixels_are_normalised() -> None:
    spec = replace(DESCRIPTION.input, mean=(1.0, 2.0, 3.0), std=(4.0, 5.0, 6.5))
    client = client_of(FakeClassifier(description=replace(DESCRIPTION, input=spec)), max_images=7)
    answer = client.get("/v2/models/fake/config").get_json()
    assert answer["max_batch_size"] == 7
    assert answer["input"] == [{"name": "image", "data_type": "TYPE_UINT8", "format": "FORMAT_NHWC", "dims": [4, 6, 3]}]
    parameters = {name: value["string_value"] for name, value in answer["parameters"].items()}
    assert (parameters["mean"], parameters["std"]) == ("1.0,2.0,3.0", "4.0,5.0,6.5")


def test_index_has_every_version_and_its_state() -> None:
    client = client_of(FakeClassifier("a", "1"), FakeClassifier("a", "2", ready=False))
    first = {"name": "a", "version": "1", "state": "READY", "reason": ""}
    second = {"name": "a", "version": "2", "state": "LOADING", "reason": ""}
    assert client.post("/v2/repository/index").get_json() == [first, second]
    assert client.post("/v2/repository/index", json={"ready": True}).get_json() == [first]


@pytest.mark.parametrize("action", ["load", "unload"])
def test_models_cannot_be_changed(client: FlaskClient, action: str) -> None:
    response = client.post(f"/v2/repository/models/fake/{action}", json={})
    assert response.status_code == 400
    assert "whoever runs the service" in message_of(response)


def test_response_has_exactly_these_fields(client: FlaskClient) -> None:
    response = client.post(INFER, json={"id": "my-id", "inputs": [tensor()]})
    assert (response.status_code, response.mimetype) == (200, "application/json")
    answer = response.get_json()
    (output,) = answer.pop("outputs")
    assert answer == {"model_name": "fake", "model_version": "1", "id": "my-id"}
    assert output.pop("data") == pytest.approx([0.75, 0, 0.25], abs=1e-6)
    assert output == {"name": "probabilities", "datatype": "FP32", "shape": [1, 3]}


@pytest.mark.parametrize("given", ["", "Größe", "\ud800", "x" * 1000])
def test_id_is_repeated(client: FlaskClient, given: str) -> None:
    assert client.post(INFER, json={"id": given, "inputs": [tensor()]}).get_json().get("id", "") == given


def test_response_has_no_id_unless_the_request_has(client: FlaskClient) -> None:
    assert "id" not in client.post(INFER, **inputs()).get_json()


def test_version_in_the_address_chooses_the_model() -> None:
    client = client_of(FakeClassifier("a/b", "1"), FakeClassifier("a/b", "2"))
    answer = client.post("/v2/models/a/b/versions/2/infer", **inputs()).get_json()
    assert (answer["model_name"], answer["model_version"]) == ("a/b", "2")


@pytest.mark.parametrize(
    "data", [PIXELS.tolist(), PIXELS.ravel().tolist(), PIXELS.astype(float).tolist()], ids=["nested", "flat", "floats"]
)
def test_pixels_in_json_reach_the_model(client: FlaskClient, fake: FakeClassifier, data: object) -> None:
    assert client.post(INFER, **inputs(data=data)).status_code == 200
    assert np.array_equal(pixels_seen(fake), PIXELS) and pixels_seen(fake).dtype == np.uint8


def test_pixels_as_bytes_reach_the_model(client: FlaskClient, fake: FakeClassifier) -> None:
    two = np.concatenate([PIXELS, 255 - PIXELS])
    assert client.post(INFER, **with_bytes(two.tobytes(), "UINT8", [2, 4, 6, 3])).status_code == 200
    assert np.array_equal(pixels_seen(fake), two)


def test_channels_may_come_first(client: FlaskClient, fake: FakeClassifier) -> None:
    planes = PIXELS.transpose(0, 3, 1, 2)
    assert client.post(INFER, **with_bytes(planes.tobytes(), "UINT8", [1, 3, 4, 6])).status_code == 200
    assert np.array_equal(pixels_seen(fake), PIXELS)


@pytest.mark.parametrize("form", ["bytes", "JSON"])
def test_normalised_pixels_are_restored_exactly(form: str) -> None:
    spec = replace(DESCRIPTION.input, size=(16, 16), mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
    fake = FakeClassifier(description=replace(DESCRIPTION, input=spec))
    pixels = np.arange(16 * 16 * 3, dtype=np.uint32).astype(np.uint8).reshape(1, 16, 16, 3)
    values = ((pixels - np.array(spec.mean)) / np.array(spec.std)).astype("<f4")
    shape = [1, 16, 16, 3]
    sent = (
        with_bytes(values.tobytes(), "FP32", shape)
        if form == "bytes"
        else inputs(data=values.tolist(), datatype="FP32", shape=shape)
    )
    assert client_of(fake).post(INFER, **sent).status_code == 200
    assert np.array_equal(pixels_seen(fake), pixels)


@pytest.mark.parametrize("shape", [[2], [2, 1]])
def test_files_as_bytes_reach_the_model(client: FlaskClient, fake: FakeClassifier, shape: list[int]) -> None:
    assert client.post(INFER, **with_bytes(element(DATA) + element(b"x"), "BYTES", shape)).status_code == 200
    assert fake.images == [DATA, b"x"]


@pytest.mark.parametrize("nested", [False, True])
def test_files_in_json_are_base64(client: FlaskClient, fake: FakeClassifier, nested: bool) -> None:
    texts = [b64encode(data).decode() for data in (DATA, b"x")]
    data = [[text] for text in texts] if nested else texts
    assert client.post(INFER, **inputs(data=data, datatype="BYTES", shape=[2, 1][: 1 + nested])).status_code == 200
    assert fake.images == [DATA, b"x"]


def test_body_without_json_is_one_file(client: FlaskClient, fake: FakeClassifier) -> None:
    answer = client.post(INFER, data=DATA, headers={HEADER: "0"}).get_json()
    assert answer["outputs"][0]["shape"] == [1, 3]
    assert fake.images == [DATA]


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_body_is_read(client: FlaskClient, fake: FakeClassifier, encoding: str, compress: Any) -> None:
    sent = with_bytes(PIXELS.tobytes(), "UINT8", [1, 4, 6, 3])
    headers = {**sent["headers"], "Content-Encoding": encoding}
    assert client.post(INFER, data=compress(sent["data"]), headers=headers).status_code == 200
    assert np.array_equal(pixels_seen(fake), PIXELS)


def test_outputs_are_those_requested_in_their_order(client: FlaskClient) -> None:
    names = ["logits", "probabilities"]
    answer = client.post(INFER, json={"inputs": [tensor()], "outputs": [{"name": name} for name in names]}).get_json()
    assert [output["name"] for output in answer["outputs"]] == names
    logits, probabilities = (np.array(output["data"]) for output in answer["outputs"])
    assert np.exp(logits) / np.exp(logits).sum() == pytest.approx(probabilities)


def test_features_of_a_model_without_a_feature_map_return_501(client: FlaskClient) -> None:
    response = client.post(INFER, json={"inputs": [tensor()], "outputs": [{"name": "features"}]})
    assert response.status_code == 501
    assert message_of(response)


def test_binary_outputs_follow_the_json(client: FlaskClient) -> None:
    outputs = [
        {"name": "logits"},
        {"name": "probabilities", "parameters": {"classification": 2}},
    ]
    request = {"inputs": [tensor()], "outputs": outputs, "parameters": {"binary_data_output": True}}
    response = client.post(INFER, json=request)
    assert response.mimetype == "application/octet-stream"
    length = int(response.headers[HEADER])
    first, second = json.loads(response.data[:length])["outputs"]
    assert first == {"name": "logits", "datatype": "FP32", "shape": [1, 3], "parameters": {"binary_data_size": 12}}
    rest = response.data[length:]
    assert np.frombuffer(rest[:12], "<f4") == pytest.approx(np.log([0.75, np.exp(-20), 0.25]))
    assert (second["datatype"], second["shape"]) == ("BYTES", [1, 2])
    assert rest[12:] == element(b"0.750000:0:cat") + element(b"0.250000:2:dog")


def test_output_overrules_the_request_on_binary_data(client: FlaskClient) -> None:
    outputs = [{"name": "probabilities", "parameters": {"binary_data": False}}]
    request = {"inputs": [tensor()], "outputs": outputs, "parameters": {"binary_data_output": True}}
    assert "data" in client.post(INFER, json=request).get_json()["outputs"][0]


def test_classification_names_the_best_classes_of_each_image(client: FlaskClient) -> None:
    outputs = [{"name": "probabilities", "parameters": {"classification": 1000}}]
    texts = [b64encode(data).decode() for data in (DATA, DATA)]
    request = {"inputs": [tensor(data=texts, datatype="BYTES", shape=[2])], "outputs": outputs}
    (output,) = client.post(INFER, json=request).get_json()["outputs"]
    best = ["0.750000:0:cat", "0.250000:2:dog", "0.000000:1:class 1"]
    assert output == {"name": "probabilities", "datatype": "BYTES", "shape": [2, 3], "data": best * 2}


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ([], "the JSON must be an object"),
        ({}, "`inputs` must be a list with one tensor"),
        ({"inputs": [tensor(name=["image"])]}, "`name` must be a string"),
        ({"inputs": [tensor(), tensor()]}, "`inputs` must be a list with one tensor"),
        ({"inputs": ["image"]}, "`inputs` must be a list with one tensor"),
        ({"inputs": [tensor(name="input0")]}, "the model has no input 'input0'"),
        ({"inputs": [tensor()], "id": 7}, "`id` must be a string"),
        ({"inputs": [tensor()], "parameters": []}, "`parameters` of the request must be an object"),
        ({"inputs": [tensor(parameters=1)]}, "`parameters` of `image` must be an object"),
        ({"inputs": [tensor(parameters={"shared_memory_region": "r"})]}, "shared memory is not supported"),
        ({"inputs": [tensor(datatype="INT64")]}, "the datatype 'INT64' is not supported: send UINT8, FP32, BYTES"),
        ({"inputs": [tensor(datatype=8)]}, "`datatype` must be a string"),
        ({"inputs": [{**tensor(), "data": None}]}, "`data` of `image` has 1 numbers"),
        ({"inputs": [{"name": "image", "datatype": "UINT8", "shape": [1, 4, 6, 3]}]}, "`image` has no `data`"),
        ({"inputs": [tensor(parameters={"binary_data_size": 72})]}, "`binary_data_size` of `image` must be 0"),
        ({"inputs": [tensor(shape=None)]}, "`shape` of `image` must be a list"),
        ({"inputs": [tensor(shape=[])]}, "`shape` of `image` must be a list"),
        ({"inputs": [tensor(shape=[1, 4.0, 6, 3])]}, "`shape` of `image` must be a list of whole numbers"),
        ({"inputs": [tensor(shape=[1, True, 6, 3])]}, "`shape` of `image` must be a list of whole numbers"),
        ({"inputs": [tensor(shape=[-1, 4, 6, 3])]}, "`shape` of `image` must be a list of whole numbers"),
        (
            {"inputs": [tensor(shape=[1, 5, 6, 3])]},
            "the shape of `image` is [1, 5, 6, 3]: this model takes [N, 4, 6, 3]",
        ),
        ({"inputs": [tensor(shape=[4, 6, 3])]}, "the shape of `image` is [4, 6, 3]"),
        ({"inputs": [tensor(shape=[0, 4, 6, 3])]}, "the first number of `shape` is the number of images: send 1 to 32"),
        ({"inputs": [tensor(shape=[33, 4, 6, 3])]}, "the first number of `shape`"),
        ({"inputs": [tensor(data=[1, 2])]}, "`data` of `image` has 2 numbers, and its shape says 72"),
        ({"inputs": [tensor(data=[[1], [2, 3]])]}, "`data` of `image` must be a list of numbers"),
        ({"inputs": [tensor(data={"a": 1})]}, "`data` of `image` must be a list of numbers"),
        ({"inputs": [tensor(data=["x"] * 72)]}, "`data` of `image` must be a list of numbers"),
        ({"inputs": [tensor(data=[10**400] * 72)]}, "`data` of `image` must be a list of numbers"),
        ({"inputs": [tensor(data=[256] * 72)]}, "UINT8 data must be whole numbers from 0 to 255"),
        ({"inputs": [tensor(data=[-1] * 72)]}, "UINT8 data must be whole numbers"),
        ({"inputs": [tensor(data=[0.5] * 72)]}, "UINT8 data must be whole numbers"),
        ({"inputs": [tensor(data=[None] * 72)]}, "UINT8 data must be whole numbers"),
        ({"inputs": [tensor(datatype="FP32", data=[3.0] * 72)]}, "FP32 values must be (pixel - mean) / std"),
        ({"inputs": [tensor(datatype="FP32", data=[None] * 72)]}, "FP32 values must be"),
        ({"inputs": [tensor(datatype="BYTES")]}, "the shape of `image` is [1, 4, 6, 3]: BYTES have the shape [N]"),
        (
            {"inputs": [tensor(datatype="BYTES", shape=[2], data=["eA=="])]},
            "`image` has 1 elements, and its shape says 2",
        ),
        ({"inputs": [tensor(datatype="BYTES", shape=[1], data="eA==")]}, "`data` of `image` must be a list of base64"),
        ({"inputs": [tensor(datatype="BYTES", shape=[1], data=["§"])]}, "element 1 of `data` is not valid base64"),
        ({"inputs": [tensor(datatype="BYTES", shape=[1], data=[1])]}, "element 1 of `data` is not a string"),
        ({"inputs": [tensor()], "outputs": 1}, "`outputs` must be a list"),
        ({"inputs": [tensor()], "outputs": ["logits"]}, "each of `outputs` must be an object"),
        (
            {"inputs": [tensor()], "outputs": [{"name": "boxes"}]},
            "the model has no output 'boxes'; it has probabilities",
        ),
        ({"inputs": [tensor()], "outputs": [{"name": "logits"}] * 2}, "the output 'logits' is requested twice"),
        (
            {"inputs": [tensor()], "outputs": [{"name": "logits", "parameters": {"shared_memory_region": "r"}}]},
            "shared memory is not supported",
        ),
        (
            {"inputs": [tensor()], "outputs": [{"name": "logits", "parameters": {"classification": "3"}}]},
            "`classification` must be the number of classes",
        ),
        (
            {"inputs": [tensor()], "outputs": [{"name": "features", "parameters": {"classification": 3}}]},
            "`classification` of the output 'features' is not possible",
        ),
    ],
)
def test_malformed_request_is_refused(client: FlaskClient, fake: FakeClassifier, sent: Any, message: str) -> None:
    response = client.post(INFER, json=sent)
    assert response.status_code == 400
    assert message_of(response).startswith(message)
    assert fake.images == []


NOTHING, INFINITE, LARGE = (np.full(72, value, "<f4").tobytes() for value in (np.nan, -np.inf, 3e38))


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (with_bytes(b"abc", "UINT8", [1, 4, 6, 3]), "`image` has 3 bytes; UINT8 of its shape have 72"),
        (with_bytes(PIXELS.tobytes(), "FP32", [1, 4, 6, 3]), "`image` has 72 bytes; FP32 of its shape have 288"),
        (with_bytes(NOTHING, "FP32", [1, 4, 6, 3]), "FP32 values must be"),
        (with_bytes(INFINITE, "FP32", [1, 4, 6, 3]), "FP32 values must be"),
        (with_bytes(LARGE, "FP32", [1, 4, 6, 3]), "FP32 values must be"),
        (with_bytes(b"\xff\xff\xff\xffx", "BYTES", [1]), "the bytes of `image` are not 1 elements"),
        (with_bytes(b"\0", "BYTES", [1]), "the bytes of `image` are not 1 elements"),
        (with_bytes(b"", "BYTES", [1]), "the bytes of `image` are not 1 elements"),
        (with_bytes(bytes(8), "BYTES", [1]), "the bytes of `image` are not 1 elements"),
        (with_bytes(bytes(4 * 33), "BYTES", [33]), "the first number of `shape`"),
        ({"data": b"{}", "headers": {HEADER: "3"}}, f"{HEADER} must be the length of the JSON"),
        ({"data": b"{}", "headers": {HEADER: "-1"}}, f"{HEADER} must be the length of the JSON"),
        ({"data": b"{}", "headers": {HEADER: "9" * 5000}}, f"{HEADER} must be the length of the JSON"),
        ({"data": b"{}", "headers": {"Content-Encoding": "br"}}, "this Content-Encoding is not supported"),
        ({"data": b"{}", "headers": {"Content-Encoding": "gzip"}}, "the body is not valid gzip"),
        ({"data": gzip.compress(b"{}")[:-1], "headers": {"Content-Encoding": "gzip"}}, "the gzip body is incomplete"),
        ({"data": zlib.compress(b"{}") + b"x", "headers": {"Content-Encoding": "deflate"}}, "the deflate body is"),
        ({"data": b""}, "the JSON body is empty"),
    ],
)
def test_malformed_bytes_are_refused(client: FlaskClient, fake: FakeClassifier, sent: Any, message: str) -> None:
    response = client.post(INFER, **sent)
    assert response.status_code == 400
    assert message_of(response).startswith(message)
    assert fake.images == []


@pytest.mark.parametrize("key", ["name", "datatype", "shape", "data", "parameters"])
def test_deeply_nested_value_is_refused(client: FlaskClient, key: str) -> None:
    """Deeper values may be parsed than can be handled afterwards."""
    for depth in range(850, 1000, 10):
        values = {**tensor(), key: "%"}
        text = json.dumps({"inputs": [values]}).replace('"%"', "[" * depth + "]" * depth)
        assert client.post(INFER, data=text).status_code == 400


def test_bytes_beside_data_are_refused(client: FlaskClient) -> None:
    text = json.dumps({"inputs": [tensor(parameters={"binary_data_size": 72})]}).encode()
    response = client.post(INFER, data=text + bytes(72), headers={HEADER: str(len(text))})
    assert message_of(response).startswith("`image` has `data` and `binary_data_size`")


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
def test_body_that_expands_beyond_the_limit_is_refused(fake: FakeClassifier, compress: Any) -> None:
    client = client_of(fake, max_upload_mb=1)
    encoding = "gzip" if compress is gzip.compress else "deflate"
    for size, status in ((1 << 20, 400), ((1 << 20) + 1, 413), (64 << 20, 413)):
        response = client.post(INFER, data=compress(bytes(size)), headers={"Content-Encoding": encoding})
        assert response.status_code == status
        assert ("1 MB when decompressed" in message_of(response)) == (status == 413)


def test_one_unreadable_image_fails_the_request(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.unreadable = {b"x": ImageUndecodable("broken")}
    response = client.post(INFER, **with_bytes(element(DATA) + element(b"x"), "BYTES", [2]))
    assert (response.status_code, message_of(response)) == (422, "image number 2: broken")
    response = client.post(INFER, **with_bytes(element(b"x"), "BYTES", [1]))
    assert (response.status_code, message_of(response)) == (422, "broken")


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/v2/models/none", 404),
        ("GET", "/v2/models/none/ready", 404),
        ("GET", "/v2/models/none/config", 404),
        ("GET", "/v2/models/fake/versions/9", 404),
        ("POST", "/v2/models/none/infer", 404),
        ("POST", "/v2/models/fake/versions/9/infer", 404),
        ("POST", "/v2/repository/models/none/load", 404),
        ("GET", "/v2/nothing", 404),
        ("GET", INFER, 405),
        ("POST", "/v2/models/fake", 405),
        ("POST", "/v2/health/live", 405),
    ],
)
def test_wrong_address_or_method_has_the_errors_of_the_protocol(
    client: FlaskClient, method: str, address: str, status: int
) -> None:
    response = client.open(address, method=method)
    assert response.status_code == status
    assert message_of(response)


def test_failures_have_the_errors_of_the_protocol(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.error = Overloaded("later")
    response = client.post(INFER, **inputs())
    assert (response.status_code, message_of(response), response.headers["Retry-After"]) == (503, "later", "1")
    fake.error = RuntimeError("secret")
    response = client.post(INFER, **inputs())
    assert response.status_code == 500 and "secret" not in message_of(response)


def test_request_without_key_is_refused(fake: FakeClassifier) -> None:
    client = client_of(fake, api_keys=(b"key",))
    response = client.post(INFER, **inputs())
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "needs a key" in message_of(response)
    assert client.post(INFER, **inputs(), headers={"X-API-Key": "key"}).status_code == 200


def test_real_model_gives_one_answer_to_files_and_pixels(tiny: Bundle) -> None:
    client = create_app(Settings(bundle=str(tiny.path))).test_client()
    pixels = np.array([np.full((32, 32, 3), colour) for colour in COLOURS.values()], np.uint8)
    normalised = ((pixels - 127.0) / 128.0).astype("<f4")
    files = b"".join(element(plain_image(label)) for label in COLOURS)
    sent = [
        with_bytes(pixels.tobytes(), "UINT8", [3, 32, 32, 3]),
        with_bytes(normalised.tobytes(), "FP32", [3, 32, 32, 3]),
        with_bytes(files, "BYTES", [3]),
    ]
    answers = [client.post("/v2/models/tiny/infer", **form).get_json()["outputs"][0] for form in sent]
    assert answers == [answers[0]] * 3
    rows = np.array(answers[0]["data"]).reshape(3, 3)
    assert rows.argmax(axis=1).tolist() == [0, 1, 2]
    assert rows.sum(axis=1) == pytest.approx([1] * 3)


def test_statistics_count_by_model_and_version(tiny: Bundle) -> None:
    client = create_app(Settings(bundle=str(tiny.path))).test_client()
    before = client.get("/v2/models/tiny/versions/1/stats").get_json()["model_stats"][0]
    files = b"".join(element(plain_image(label)) for label in COLOURS)
    started = time.time() * 1000
    assert client.post("/v2/models/tiny/infer", **with_bytes(files, "BYTES", [3])).status_code == 200
    assert client.post("/v2/models/tiny/infer", **with_bytes(element(b"x"), "BYTES", [1])).status_code == 415
    (after,) = client.get("/v2/models/stats").get_json()["model_stats"]
    assert (after["name"], after["version"], after["batch_stats"]) == ("tiny", "1", [])
    assert after["inference_count"] == before["inference_count"] + 3
    assert before["execution_count"] < after["execution_count"] <= before["execution_count"] + 3
    assert started - 1 <= after["last_inference"] <= time.time() * 1000 + 1
    counts = {
        name: value["count"] - before["inference_stats"][name]["count"]
        for name, value in after["inference_stats"].items()
    }
    assert [counts[name] for name in ("success", "fail", "queue", "compute_infer")] == [1, 1, 1, 1]
    assert after["inference_stats"]["compute_infer"]["ns"] > before["inference_stats"]["compute_infer"]["ns"]
