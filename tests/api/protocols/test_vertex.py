"""The contract of Vertex AI: `instances` in, `predictions` out."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from flask.testing import FlaskClient

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import ImageUndecodable
from my_inference_app.inference.answers import Prediction
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import FakeClassifier, assert_error, client_of
from tests.images import COLOURS, plain_image

DATA = plain_image()
ADDRESS = "/vertex/predict"


def instance(data: bytes = DATA) -> dict[str, str]:
    return {"b64": b64encode(data).decode()}


def test_response_has_one_prediction_for_each_instance(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.predictions = [Prediction("tabby", 0.75, 281), Prediction("tiger cat", 0.25, 282)]
    fake.unreadable = {b"x": ImageUndecodable("broken")}
    sent = {"instances": [instance(), instance(b"x")], "parameters": {"top_k": 1}}
    response = client.post(ADDRESS, json=sent)
    assert response.status_code == 200
    assert response.get_json() == {
        "predictions": [
            {"model": "fake", "predictions": [{"label": "tabby", "score": 0.75, "class_id": 281}]},
            {"error": {"code": "image_undecodable", "message": "broken"}},
        ]
    }
    assert fake.images == [DATA, b"x"]


def test_default_is_five_predictions(client: FlaskClient) -> None:
    (prediction,) = client.post(ADDRESS, json={"instances": [instance()]}).get_json()["predictions"]
    assert len(prediction["predictions"]) == 5


def test_one_unreadable_instance_returns_its_error(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.unreadable = {b"x": ImageUndecodable("broken")}
    assert_error(client.post(ADDRESS, json={"instances": [instance(b"x")]}), 422, "image_undecodable")


@pytest.mark.parametrize(
    ("sent", "code", "message"),
    [
        ([], "bad_request", "the JSON must be an object"),
        ({}, "no_image", "there are no `instances`"),
        ({"instances": []}, "no_image", "there are no `instances`"),
        ({"instances": {"b64": ""}}, "no_image", "there are no `instances`"),
        ({"instances": [{"image": "x"}]}, "bad_request", "instance number 1 has no `b64`"),
        ({"instances": [instance(), "x"]}, "bad_request", "instance number 2 has no `b64`"),
        ({"instances": [{"b64": "!"}]}, "bad_request", "`b64` of instance number 1 is not valid base64"),
        ({"instances": [instance()] * 33}, "bad_request", "33 instances in one request: send 32 at most"),
        ({"instances": [instance()], "parameters": [3]}, "bad_request", "`parameters` must be an object"),
        ({"instances": [instance()], "parameters": {"top_k": 0}}, "bad_request", "top_k must be"),
    ],
)
def test_malformed_request_is_refused(client: FlaskClient, sent: Any, code: str, message: str) -> None:
    assert assert_error(client.post(ADDRESS, json=sent), 400, code).startswith(message)


def test_malformed_json_is_refused(client: FlaskClient) -> None:
    assert_error(client.post(ADDRESS, data=b"{", content_type="application/json"), 400, "bad_request")


def test_address_follows_the_setting(fake: FakeClassifier) -> None:
    route = "/v1/endpoints/1/deployedModels/2:predict"
    client = client_of(fake, aip_predict_route=route)
    assert client.post(route, json={"instances": [instance()]}).status_code == 200
    assert_error(client.post(ADDRESS, json={"instances": [instance()]}), 404, "not_found")


def test_request_without_key_is_refused(fake: FakeClassifier) -> None:
    client = client_of(fake, api_keys=(b"secret",))
    assert_error(client.post(ADDRESS, json={"instances": [instance()]}), 401, "unauthorized")


def test_real_model_answers(tiny: Bundle) -> None:
    client = create_app(Settings(bundle=str(tiny.path))).test_client()
    sent = {"instances": [instance(plain_image(label)) for label in COLOURS]}
    found = client.post(ADDRESS, json=sent).get_json()["predictions"]
    assert [prediction["predictions"][0]["label"] for prediction in found] == list(COLOURS)
