"""The contract of Hugging Face's inference API: an image in, a list of labels and scores out."""

from __future__ import annotations

import math
from base64 import b64encode
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from my_inference_app import errors
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import ServiceError
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import FakeClassifier, client_of
from tests.images import COLOURS, plain_image

DATA = plain_image()
BASE64 = b64encode(DATA).decode()


def assert_refused(response: TestResponse, status: int) -> str:
    assert (response.status_code, response.mimetype) == (status, "application/json"), response.text
    body = response.get_json()
    assert set(body) == {"error"}
    assert body["error"] and "\n" not in body["error"]
    return str(body["error"])


@pytest.fixture(scope="module")
def real(tiny: Bundle) -> FlaskClient:
    return create_app(Settings(bundle=str(tiny.path))).test_client()


@pytest.mark.parametrize("address", ["/hf", "/hf/", "/hf/fake"])
@pytest.mark.parametrize(
    "content_type", [None, "image/jpeg", "application/octet-stream", "application/x-www-form-urlencoded",
                     "application/json", "nonsense"]
)  # fmt: skip
def test_image_with_any_content_type_is_classified(
    client: FlaskClient, fake: FakeClassifier, address: str, content_type: str | None
) -> None:
    response = client.post(address, data=DATA, content_type=content_type)
    assert response.status_code == 200
    assert [set(item) for item in response.get_json()] == [{"label", "score"}] * 5
    assert fake.images == [DATA]


@pytest.mark.parametrize("inputs", [BASE64, f"data:image/png;base64,{BASE64}"])
@pytest.mark.parametrize(
    "parameters", [{}, {"parameters": {}}, {"parameters": None}, {"options": {"use_cache": False}}]
)
def test_base64_is_classified(
    client: FlaskClient, fake: FakeClassifier, inputs: str, parameters: dict[str, Any]
) -> None:
    response = client.post("/hf/fake", json={"inputs": inputs, **parameters})
    assert len(response.get_json()) == 5
    assert fake.images == [DATA]


@pytest.mark.parametrize("label", COLOURS)
def test_real_model_answers_best_first(real: FlaskClient, label: str) -> None:
    predictions = real.post("/hf/tiny", data=plain_image(label)).get_json()
    assert predictions[0]["label"] == label
    scores = [prediction["score"] for prediction in predictions]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1)


def scores_of(client: FlaskClient, function: str | None) -> dict[str, float]:
    sent = {"inputs": BASE64, "parameters": {"function_to_apply": function, "top_k": 3}}
    return {item["label"]: item["score"] for item in client.post("/hf/tiny", json=sent).get_json()}


def test_function_to_apply_turns_logits_into_scores(real: FlaskClient) -> None:
    logits = scores_of(real, "none")
    total = sum(map(math.exp, logits.values()))
    softmax = {label: math.exp(logit) / total for label, logit in logits.items()}
    assert scores_of(real, "softmax") == scores_of(real, None) == pytest.approx(softmax)
    sigmoid = {label: 1 / (1 + math.exp(-logit)) for label, logit in logits.items()}
    assert scores_of(real, "sigmoid") == pytest.approx(sigmoid)


def test_top_k_limits_the_predictions(real: FlaskClient) -> None:
    for top_k, count in ((1, 1), (2, 2), (1000, 3), (None, 3)):
        sent = {"inputs": BASE64, "parameters": {"top_k": top_k}}
        assert len(real.post("/hf", json=sent).get_json()) == count


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ([], "the JSON must be an object"),
        ({}, "`inputs` must be one image as base64"),
        ({"inputs": [BASE64]}, "`inputs` must be one image as base64"),
        ({"inputs": ""}, "there is no image in the request"),
        ({"inputs": "*"}, "`inputs` is not valid base64"),
        ({"inputs": BASE64, "parameters": [3]}, "`parameters` must be an object"),
        ({"inputs": BASE64, "parameters": {"top_k": 0}}, "top_k must be"),
        ({"inputs": BASE64, "parameters": {"top_k": "x"}}, "top_k must be"),
        ({"inputs": BASE64, "parameters": {"function_to_apply": "x"}}, "`function_to_apply` must be one of softmax,"),
        ({"inputs": BASE64, "parameters": {"function_to_apply": [1]}}, "`function_to_apply` must be one of"),
        ({"inputs": "https://example.com/cat.jpg"}, "this service does not fetch images"),
    ],
)
def test_malformed_request_is_refused(client: FlaskClient, sent: Any, message: str) -> None:
    assert assert_refused(client.post("/hf", json=sent), 400).startswith(message)


def test_empty_and_malformed_bodies_are_refused(client: FlaskClient) -> None:
    assert_refused(client.post("/hf"), 400)
    assert_refused(client.post("/hf", data=b"{", content_type="application/json"), 400)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Overloaded("later"), 429),
        (errors.NotReady("later"), 503),
        (errors.DeadlineExceeded("late"), 504),
        (errors.ImageUndecodable("broken"), 422),
        (RuntimeError("secret"), 500),
    ],
    ids=lambda value: type(value).__name__,
)
def test_error_has_the_shape_of_the_protocol(
    client: FlaskClient, fake: FakeClassifier, error: Exception, status: int
) -> None:
    """429 for an overload: the JavaScript client repeats a 503 at once and for ever."""
    fake.error = error
    response = client.post("/hf", data=DATA)
    assert "secret" not in assert_refused(response, status)
    assert response.headers.get("Retry-After") == {429: "1", 503: "2"}.get(status)


def test_unreadable_image_is_the_error_of_the_request(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.unreadable = {DATA: ServiceError("broken")}
    assert assert_refused(client.post("/hf", data=DATA), 500) == "broken"


def test_unknown_model_returns_404_with_the_names_there_are(client: FlaskClient) -> None:
    for response in (
        client.post("/hf/nothing", data=DATA), client.get("/hf/nothing/info"), client.get("/hf/nothing/health")
    ):  # fmt: skip
        assert "there is fake" in assert_refused(response, 404)


def test_wrong_method_and_address_are_refused_in_the_same_shape(client: FlaskClient) -> None:
    response = client.get("/hf/fake")
    assert "POST" in assert_refused(response, 405)
    assert "POST" in response.headers["Allow"]


def test_model_with_a_slash_in_its_name_is_found() -> None:
    first, second = FakeClassifier("first"), FakeClassifier("microsoft/resnet-50")
    client = client_of(first, second)
    for name in ("microsoft/resnet-50", "microsoft--resnet-50", "resnet-50"):
        assert client.post(f"/hf/{name}", data=DATA).status_code == 200
        assert client.get(f"/hf/{name}/info").get_json()["model_id"] == "microsoft/resnet-50"
    assert len(second.images) == 1 and first.images == []


def test_info_describes_the_model(client: FlaskClient) -> None:
    expected = {
        "model_id": "fake", "model_sha": None, "model_dtype": "auto", "model_pipeline_tag": "image-classification",
        "version": "1",
    }  # fmt: skip
    for address in ("/hf/info", "/hf/fake/info"):
        assert client.get(address).get_json() == expected


def test_health_says_whether_the_model_is_ready(client: FlaskClient, fake: FakeClassifier) -> None:
    for address in ("/hf/health", "/hf/fake/health"):
        fake.ready = True
        assert client.get(address).status_code == 200
        fake.ready = False
        assert_refused(client.get(address), 503)


def test_saved_token_is_ignored_where_no_keys_are_set(client: FlaskClient) -> None:
    headers = {"Authorization": "Bearer hf_saved"}
    assert client.post("/hf", data=DATA, headers=headers).status_code == 200


def test_key_is_required_where_keys_are_set(fake: FakeClassifier) -> None:
    client = client_of(fake, api_keys=(b"secret",))
    response = client.post("/hf", data=DATA, headers={"Authorization": "Bearer hf_saved"})
    assert_refused(response, 401)
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert client.post("/hf", data=DATA, headers={"Authorization": "Bearer secret"}).status_code == 200
