"""POST /embed, on a small real model."""

from __future__ import annotations

from base64 import b64encode

import numpy as np
import pytest
from flask.testing import FlaskClient

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import assert_error, form
from tests.images import plain_image

GREEN = [0, 93 / 128, 0]  # where (20, 220, 40) is brighter than 127


@pytest.fixture(scope="module")
def service(colours: Bundle) -> FlaskClient:
    return create_app(Settings(bundle=str(colours.path), precision="f32")).test_client()


def test_response_to_one_image_has_exactly_these_fields(service: FlaskClient) -> None:
    body = service.post("/embed", data=plain_image(), headers={"X-Request-ID": "my-id"}).get_json()
    assert body.pop("embedding") == pytest.approx(GREEN, abs=1e-3)
    assert body == {"success": True, "model": "colours", "version": "1", "request_id": "my-id"}


@pytest.mark.parametrize("path", ["/embed", "/embed/colours", "/embed?model=colours"])
def test_images_in_every_form_give_the_same_vector(service: FlaskClient, path: str) -> None:
    data = plain_image()
    sent = [{"data": data}, form(("image", "a.png", data)), {"json": {"image": b64encode(data).decode()}}]
    vectors = [service.post(path, **request).get_json()["embedding"] for request in sent]
    assert vectors[0] == vectors[1] == vectors[2]


def test_normalised_vector_has_length_one(service: FlaskClient) -> None:
    vector = service.post("/embed?normalize=1", data=plain_image("red")).get_json()["embedding"]
    assert vector == pytest.approx([1, 0, 0], abs=1e-3)


def test_each_of_several_images_has_a_vector_or_an_error(service: FlaskClient) -> None:
    sent = form(("image", "a.png", plain_image("red")), ("image", "b", b"x"))
    results = service.post("/embed", **sent).get_json()["results"]
    assert [(result.get("filename"), result["success"]) for result in results] == [("a.png", True), ("b", False)]
    assert results[0]["embedding"] == pytest.approx([103 / 128, 0, 0], abs=1e-3)
    assert results[1]["error"]["code"] == "unsupported_format"


def test_raw_response_has_a_row_for_each_image(service: FlaskClient) -> None:
    sent = form(("image", "a.png", plain_image("green")), ("image", "b.png", plain_image("red")))
    response = service.post("/embed", **sent, headers={"Accept": "application/octet-stream"})
    assert (response.status_code, response.mimetype) == (200, "application/octet-stream")
    assert response.headers["X-Shape"] == "2,3"
    vectors = np.frombuffer(response.data, "<f4").reshape(2, 3)
    np.testing.assert_allclose(vectors, [GREEN, [103 / 128, 0, 0]], atol=1e-3)


def test_raw_response_with_an_unreadable_image_is_an_error(service: FlaskClient) -> None:
    sent = form(("image", "a.png", plain_image("green")), ("image", "b.png", b"x"))
    response = service.post("/embed", **sent, headers={"Accept": "application/octet-stream"})
    assert_error(response, 415, "unsupported_format")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html, */*;q=0.8", "nonsense"])
def test_response_is_json_unless_raw_numbers_are_wanted(service: FlaskClient, accept: str) -> None:
    assert service.post("/embed", data=plain_image(), headers={"Accept": accept}).is_json


def test_other_value_of_normalize_is_refused(service: FlaskClient) -> None:
    response = service.post("/embed?normalize=yes", data=plain_image())
    assert "normalize must be 0 or 1" in assert_error(response, 400, "bad_request")


def test_unknown_model_is_refused(service: FlaskClient) -> None:
    assert_error(service.post("/embed/other", data=plain_image()), 404, "model_not_found")
