"""The contract of TorchServe's inference API."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from my_inference_app import errors
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.inference.answers import Prediction
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import FakeClassifier, client_of, form
from tests.images import COLOURS, plain_image

DATA = plain_image()
ADDRESS = "/predictions/fake"


def assert_refused(response: TestResponse, status: int, kind: str) -> str:
    assert (response.status_code, response.mimetype) == (status, "application/json"), response.text
    body = response.get_json()
    message = body["message"]
    assert body == {"code": status, "type": kind, "message": message}
    assert message and "\n" not in message
    return str(message)


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("address", [ADDRESS, f"{ADDRESS}/1"])
def test_image_as_the_body_returns_five_labels_best_first(
    client: FlaskClient, fake: FakeClassifier, method: str, address: str
) -> None:
    response = client.open(address, method=method, data=DATA)
    assert response.status_code == 200
    assert list(response.get_json().items()) == [(f"label {rank}", 0.5**rank) for rank in range(1, 6)]
    assert fake.images == [DATA]


@pytest.mark.parametrize("field", ["data", "body", "image", "file"])
def test_image_in_a_form_is_classified(client: FlaskClient, fake: FakeClassifier, field: str) -> None:
    assert len(client.post(ADDRESS, **form((field, "cat.jpg", DATA))).get_json()) == 5
    assert fake.images == [DATA]


def test_classes_with_one_label_are_one_with_the_best_probability(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.predictions = [Prediction("crane", 0.5, 1), Prediction("cat", 0.3, 2), Prediction("crane", 0.2, 3)]
    assert client.post(ADDRESS, data=DATA).get_json() == {"crane": 0.5, "cat": 0.3}


def test_real_model_answers(tiny: Bundle) -> None:
    client = create_app(Settings(bundle=str(tiny.path))).test_client()
    for label in COLOURS:
        probabilities = client.put("/predictions/tiny", data=plain_image(label)).get_json()
        assert next(iter(probabilities)) == label
        assert sum(probabilities.values()) == pytest.approx(1)


def test_version_is_the_last_part_of_the_address() -> None:
    one, two = FakeClassifier("microsoft/resnet-50", "1"), FakeClassifier("microsoft/resnet-50", "2")
    client = client_of(one, two)
    assert client.post("/predictions/microsoft/resnet-50/2", data=DATA).status_code == 200
    assert (one.images, two.images) == ([], [DATA])
    assert client.post("/predictions/resnet-50/1", data=DATA).status_code == 200
    assert one.images == [DATA]


def test_name_that_ends_like_a_version_is_a_name() -> None:
    vit, sixteen = FakeClassifier("vit", "16"), FakeClassifier("vit/16")
    client_of(vit, sixteen).post("/predictions/vit/16", data=DATA)
    assert (vit.images, sixteen.images) == ([], [DATA])


@pytest.mark.parametrize("address", ["/predictions/nothing", "/predictions/nothing/1", "/predictions/fake/2"])
def test_unknown_model_or_version_returns_404(client: FlaskClient, address: str) -> None:
    assert "there is" in assert_refused(client.post(address, data=DATA), 404, "ModelNotFoundException")


def test_other_addresses_and_methods_are_refused_in_the_same_shape(client: FlaskClient) -> None:
    assert_refused(client.post("/predictions", data=DATA), 404, "ResourceNotFoundException")
    response = client.delete(ADDRESS)
    assert_refused(response, 405, "MethodNotAllowedException")
    assert "PUT" in response.headers["Allow"]


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (errors.Overloaded("later"), 503, "ServiceUnavailableException"),
        (errors.ImageUndecodable("broken"), 422, "BadRequestException"),
        (errors.PayloadTooLarge("large"), 413, "RequestEntityTooLargeException"),
        (errors.DeadlineExceeded("late"), 504, "InternalServerException"),
        (RuntimeError("secret"), 500, "InternalServerException"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_error_has_the_shape_of_the_protocol(
    client: FlaskClient, fake: FakeClassifier, error: Exception, status: int, kind: str
) -> None:
    fake.error = error
    assert "secret" not in assert_refused(client.post(ADDRESS, data=DATA), status, kind)


def test_request_without_an_image_or_with_two_is_refused(client: FlaskClient) -> None:
    assert_refused(client.post(ADDRESS), 400, "BadRequestException")
    assert_refused(client.post(ADDRESS, **form(("data", "cat.jpg", b""))), 400, "BadRequestException")
    two = form(("image", "1.jpg", DATA), ("image", "2.jpg", DATA))
    assert_refused(client.post(ADDRESS, **two), 400, "BadRequestException")


def test_explanation_of_a_model_without_a_feature_map_returns_501(client: FlaskClient) -> None:
    assert_refused(client.post("/explanations/fake", data=DATA), 501, "InternalServerException")
    assert_refused(client.post("/explanations/nothing", data=DATA), 404, "ModelNotFoundException")


def test_options_of_the_root_describe_the_addresses(client: FlaskClient) -> None:
    described = client.options("/").get_json()
    assert described["openapi"].startswith("3.")
    assert {path: set(methods) for path, methods in described["paths"].items()} == {
        "/predictions/{name}": {"post", "put"},
        "/explanations/{name}": {"post", "put"},
    }
    assert all(operation["summary"] for methods in described["paths"].values() for operation in methods.values())


def test_preflight_of_the_root_is_answered_as_one(fake: FakeClassifier) -> None:
    client = client_of(fake, cors_origins=("https://example.com",))
    headers = {"Origin": "https://example.com", "Access-Control-Request-Method": "POST"}
    response = client.options("/", headers=headers)
    assert (response.status_code, response.data) == (204, b"")
    assert "POST" in response.headers["Access-Control-Allow-Methods"]


def test_request_without_key_is_refused(fake: FakeClassifier) -> None:
    client = client_of(fake, api_keys=(b"secret",))
    assert_refused(client.post(ADDRESS, data=DATA), 401, "BadRequestException")
    assert client.post(ADDRESS, data=DATA, headers={"Authorization": "Bearer secret"}).status_code == 200
