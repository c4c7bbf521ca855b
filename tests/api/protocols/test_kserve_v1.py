"""KServe's first protocol: `instances` in, `predictions` out."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import ImageUndecodable, Overloaded
from my_inference_app.inference.answers import Prediction
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import FakeClassifier, client_of
from tests.images import COLOURS, plain_image

DATA = plain_image()
PREDICT = "/v1/models/fake:predict"


def instance(data: bytes = DATA) -> dict[str, str]:
    return {"b64": b64encode(data).decode()}


def message_of(response: TestResponse) -> str:
    """An error is one text, and nothing else."""
    body = response.get_json()
    assert list(body) == ["error"] and isinstance(body["error"], str)
    return str(body["error"])


def test_response_has_the_best_classes_of_each_image(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.predictions = [Prediction("tabby", 0.75, 281), Prediction("tiger cat", 0.25, 282)]
    sent = {"instances": [instance(), {"image_bytes": instance(b"x")}], "parameters": {"top_k": 1}}
    response = client.post(PREDICT, json=sent)
    assert response.status_code == 200
    best = [{"label": "tabby", "score": 0.75, "class_id": 281}]
    assert response.get_json() == {"predictions": [best, best], "model_name": "fake", "model_version": "1"}
    assert fake.images == [DATA, b"x"]


def test_default_is_five_predictions(client: FlaskClient) -> None:
    (predictions,) = client.post(PREDICT, json={"instances": [instance()]}).get_json()["predictions"]
    assert len(predictions) == 5


def test_body_of_any_media_type_is_json(client: FlaskClient) -> None:
    sent = json.dumps({"instances": [instance()]}).encode()
    assert client.post(PREDICT, data=sent, content_type="text/plain").status_code == 200
    assert client.post(PREDICT, data=gzip.compress(sent), headers={"Content-Encoding": "gzip"}).status_code == 200


def test_models_and_their_state() -> None:
    client = client_of(FakeClassifier("a/b", "1"), FakeClassifier("a/b", "2"), FakeClassifier("c", ready=False))
    assert client.get("/v1/models").get_json() == {"models": ["a/b", "c"]}
    for address in ("/v1/models/a/b", "/v1/models/b/versions/2"):
        assert client.get(address).get_json() == {"name": "a/b", "ready": True}
    response = client.get("/v1/models/c")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    assert "loading" in message_of(response)


def test_version_in_the_address_chooses_the_model() -> None:
    client = client_of(FakeClassifier("a/b", "1"), FakeClassifier("a/b", "2"))
    answer = client.post("/v1/models/a/b/versions/2:predict", json={"instances": [instance()]}).get_json()
    assert (answer["model_name"], answer["model_version"]) == ("a/b", "2")


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ([], "the JSON must be an object"),
        ({}, "there are no `instances`"),
        ({"instances": [{"a": instance(), "b": instance()}]}, "instance number 1 has no `b64`"),
        ({"instances": [{"image": DATA.hex()}]}, "instance number 1 has no `b64`"),
        ({"instances": [instance(), {"b64": "§"}]}, "`b64` of instance number 2 is not valid base64"),
        ({"instances": [instance()] * 33}, "33 instances in one request: send 32 at most"),
        ({"instances": [instance()], "parameters": {"top_k": 0}}, "top_k must be"),
    ],
)
def test_malformed_request_is_refused(client: FlaskClient, sent: Any, message: str) -> None:
    response = client.post(PREDICT, json=sent)
    assert response.status_code == 400
    assert message_of(response).startswith(message)


def test_one_unreadable_image_fails_the_request(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.unreadable = {b"x": ImageUndecodable("broken")}
    response = client.post(PREDICT, json={"instances": [instance(), instance(b"x")]})
    assert (response.status_code, message_of(response)) == (422, "image number 2: broken")


def test_explanation_of_a_model_without_a_feature_map_returns_501(client: FlaskClient) -> None:
    response = client.post("/v1/models/fake:explain", json={"instances": [instance()]})
    assert response.status_code == 501
    assert message_of(response)


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/v1/models/none", 404),
        ("GET", "/v1/models/fake/versions/9", 404),
        ("POST", "/v1/models/none:predict", 404),
        ("POST", "/v1/models/none:explain", 404),
        ("POST", "/v1/models/fake:nothing", 405),
        ("POST", "/v1/models", 405),
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
    response = client.post(PREDICT, json={"instances": [instance()]})
    assert (response.status_code, message_of(response), response.headers["Retry-After"]) == (503, "later", "1")


def test_route_of_vertex_ai_keeps_its_own_errors(fake: FakeClassifier) -> None:
    route = "/v1/endpoints/1/deployedModels/2:predict"
    assert set(client_of(fake, aip_predict_route=route).post(route).get_json()) == {"success", "error", "request_id"}


def test_real_model_answers(tiny: Bundle) -> None:
    client = create_app(Settings(bundle=str(tiny.path))).test_client()
    sent = {"instances": [instance(plain_image(label)) for label in COLOURS]}
    found = client.post("/v1/models/tiny:predict", json=sent).get_json()["predictions"]
    assert [predictions[0]["label"] for predictions in found] == list(COLOURS)
