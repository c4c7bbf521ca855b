"""GET /models, and how a request picks its model."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.conftest import FakeClassifier, assert_error, client_of
from tests.images import plain_image

DATA = plain_image()


@pytest.fixture
def several() -> FlaskClient:
    return client_of(
        FakeClassifier(name="first"),
        FakeClassifier(name="org/second", version="1"),
        FakeClassifier(name="org/second", version="2", ready=False, waiting=3),
    )


@pytest.mark.parametrize(
    ("address", "model"),
    [
        ("/predict", "first"),
        ("/predict/first", "first"),
        ("/predict/org/second?version=1", "org/second"),
        ("/predict/second?version=1", "org/second"),
        ("/predict?model=org--second&version=1", "org/second"),
        ("/invocations?model=second&version=1", "org/second"),
        ("/predict/first?model=second", "first"),
    ],
)
def test_address_picks_the_model(several: FlaskClient, address: str, model: str) -> None:
    answer = several.post(address, data=DATA).get_json()
    assert (answer["model"], answer["version"]) == (model, "1")


@pytest.mark.parametrize("address", ["/predict/third", "/predict?model=third", "/models/third"])
def test_unknown_model_returns_404_with_the_names_there_are(several: FlaskClient, address: str) -> None:
    response = several.get(address) if "models" in address else several.post(address, data=DATA)
    message = assert_error(response, 404, "model_not_found")
    assert message == "there is no model 'third' here; there is first, org/second"


def test_unknown_version_returns_404(several: FlaskClient) -> None:
    message = assert_error(several.post("/predict/second?version=9", data=DATA), 404, "model_not_found")
    assert message == "org/second has no version '9' here; there is 1, 2"


def test_list_has_every_model_with_its_versions(several: FlaskClient) -> None:
    body = several.get("/models").get_json()
    assert body["default"] == "first"
    assert [(model["name"], len(model["versions"])) for model in body["models"]] == [("first", 1), ("org/second", 2)]
    assert body["models"][1]["versions"][1] == {
        "version": "2",
        "source": {"kind": "test"},
        "license": "MIT",
        "labels": 109,
        "input": {
            "size": [4, 6],
            "shortest_edge": None,
            "interpolation": "bilinear",
            "mean": [0.0, 0.0, 0.0],
            "std": [255.0, 255.0, 255.0],
        },
        "engine": "openvino",
        "precision": "auto",
        "replicas": 1,
        "features": None,
        "calibration": None,
        "state": "loading",
        "queue_length": 3,
    }


def test_one_model_is_described_with_its_labels_on_request(several: FlaskClient) -> None:
    body = several.get("/models/org/second?labels=1").get_json()
    assert body["name"] == "org/second"
    assert body["versions"][0]["labels"][101] == "label 1"
    assert len(body["versions"][0]["labels"]) == 109


def test_models_need_a_key_where_keys_are_set() -> None:
    keyed = client_of(FakeClassifier(), api_keys=(b"secret",))
    assert_error(keyed.get("/models"), 401, "unauthorized")
    assert keyed.get("/models", headers={"X-API-Key": "secret"}).status_code == 200
