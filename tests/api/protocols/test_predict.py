"""The responses of POST /predict, to the letter."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import ImageUndecodable, UnsupportedFormat
from my_inference_app.inference.answers import Prediction
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import PREDICTIONS, FakeClassifier, assert_error, client_of, form
from tests.images import COLOURS, plain_image

DATA = plain_image()


def files(*named: tuple[str, bytes]) -> dict[str, Any]:
    return form(*[("image", name, data) for name, data in named])


def test_response_to_one_image_has_exactly_these_fields(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.predictions = [Prediction("tabby, tabby cat", 0.75, 281), Prediction("tiger cat", 0.25, 282)]
    response = client.post("/predict", **files(("cat.jpg", DATA)), headers={"X-Request-ID": "my-id"})
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert response.get_json() == {
        "success": True,
        "response": {"statusCode": 200, "body": '"tabby, tabby cat"'},
        "model": "fake",
        "version": "1",
        "predictions": [
            {"label": "tabby, tabby cat", "score": 0.75, "class_id": 281},
            {"label": "tiger cat", "score": 0.25, "class_id": 282},
        ],
        "request_id": "my-id",
    }


@pytest.mark.parametrize("content_type", ["application/x-image", "image/jpeg", "application/octet-stream"])
def test_sagemaker_address_gives_the_same_response(client: FlaskClient, content_type: str) -> None:
    sent = {"data": DATA, "content_type": content_type, "headers": {"X-Request-ID": "my-id"}}
    assert client.post("/invocations", **sent).get_json() == client.post("/predict", **sent).get_json()
    in_json = {"json": {"image": base64.b64encode(DATA).decode()}, "headers": {"X-Request-ID": "my-id"}}
    assert client.post("/invocations", **in_json).get_json() == client.post("/predict", **in_json).get_json()


@pytest.mark.parametrize("label", ['a "quoted" label', "back\\slash", "Größe", "猫", "<b>", "line\nbreak", ""])
def test_body_is_json_within_json(client: FlaskClient, fake: FakeClassifier, label: str) -> None:
    fake.predictions = [Prediction(label, 1.0, 0)]
    response = client.post("/predict", data=DATA)
    assert (
        json.loads(response.get_json()["response"]["body"]) == response.get_json()["predictions"][0]["label"] == label
    )


def test_response_to_several_images_has_exactly_these_fields(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.unreadable = {b"x": ImageUndecodable("broken")}
    sent = files(("a.png", DATA), ("b.png", b"x"))
    response = client.post("/predict?top_k=1", **sent, headers={"X-Request-ID": "my-id"})
    assert response.status_code == 200
    first = PREDICTIONS[0]
    assert response.get_json() == {
        "success": True,
        "model": "fake",
        "version": "1",
        "results": [
            {
                "filename": "a.png",
                "success": True,
                "response": {"statusCode": 200, "body": f'"{first.label}"'},
                "model": "fake",
                "version": "1",
                "predictions": [{"label": first.label, "score": first.score, "class_id": first.class_id}],
                "request_id": "my-id",
            },
            {
                "filename": "b.png",
                "success": False,
                "error": {"code": "image_undecodable", "message": "broken"},
                "request_id": "my-id",
            },
        ],
        "request_id": "my-id",
    }


def test_one_unreadable_image_returns_its_error(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.unreadable = {b"x": UnsupportedFormat("what is this?")}
    for sent in (files(("x.jpg", b"x")), {"data": b"x"}):
        assert assert_error(client.post("/predict", **sent), 415, "unsupported_format") == "what is this?"


def test_several_unreadable_images_return_200_with_their_errors(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.unreadable = {b"x": UnsupportedFormat("what is this?")}
    response = client.post("/predict", **files(("1.jpg", b"x"), ("2.jpg", b"x")))
    assert response.status_code == 200
    assert [result["success"] for result in response.get_json()["results"]] == [False, False]


def test_response_has_server_timing(client: FlaskClient) -> None:
    expected = "decode;dur=1.50, queue;dur=0.00, infer;dur=20.12"
    for sent in ({"data": DATA}, files(("a", DATA), ("b", DATA))):
        assert client.post("/predict", **sent).headers["Server-Timing"] == expected


def test_deadline_follows_request_timeout(fake: FakeClassifier) -> None:
    earliest = time.monotonic() + 1234
    client_of(fake, request_timeout=1234.0, hang_timeout=2000.0).post("/predict", data=DATA)
    assert earliest <= fake.deadline <= time.monotonic() + 1234


def test_default_is_five_predictions(client: FlaskClient) -> None:
    assert len(client.post("/predict", data=DATA).get_json()["predictions"]) == 5


FORMS: dict[str, Callable[[bytes], dict[str, Any]]] = {
    "image": lambda data: form(("image", "a.png", data)),
    "file": lambda data: form(("file", "a.png", data)),
    "raw": lambda data: {"data": data},
    "image/png": lambda data: {"data": data, "content_type": "image/png"},
    "JSON": lambda data: {"json": {"image": base64.b64encode(data).decode()}},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("top_k", [1, 3, 8, 1000])
def test_top_k_works_in_every_form(client: FlaskClient, fake: FakeClassifier, form: str, top_k: int) -> None:
    response = client.post(f"/predict?top_k={top_k}", **FORMS[form](DATA))
    assert fake.top_k == top_k
    assert len(response.get_json()["predictions"]) == min(top_k, 8)


@pytest.mark.parametrize("form", FORMS)
def test_real_model_answers_every_form(tiny: Bundle, form: str) -> None:
    client = create_app(Settings(bundle=str(tiny.path))).test_client()
    for label in COLOURS:
        answer = client.post("/predict", **FORMS[form](plain_image(label))).get_json()
        assert json.loads(answer["response"]["body"]) == label
        assert [set(prediction) for prediction in answer["predictions"]] == [{"label", "score", "class_id"}] * 3
        assert sum(prediction["score"] for prediction in answer["predictions"]) == pytest.approx(1)


def test_real_model_answers_several_images(tiny: Bundle) -> None:
    client = create_app(Settings(bundle=str(tiny.path))).test_client()
    sent = files(*[(label, plain_image(label)) for label in COLOURS], ("broken", plain_image()[:60]), ("text", b"text"))
    results = client.post("/predict", **sent).get_json()["results"]
    assert [json.loads(result["response"]["body"]) for result in results[:3]] == list(COLOURS)
    assert [result["filename"] for result in results] == [*COLOURS, "broken", "text"]
    assert [result["error"]["code"] for result in results[3:]] == ["image_undecodable", "unsupported_format"]
