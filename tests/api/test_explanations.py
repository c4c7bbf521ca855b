"""/predict?explain=…, on a small real model with a feature map and on one without."""

from __future__ import annotations

import io
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import assert_error, form
from tests.images import encode, plain_image


@pytest.fixture(scope="module")
def service(colours: Bundle) -> FlaskClient:
    return create_app(Settings(bundle=str(colours.path), precision="f32")).test_client()


@pytest.fixture(scope="module")
def blind(tiny: Bundle) -> FlaskClient:
    """A service whose model has no feature map."""
    return create_app(Settings(bundle=str(tiny.path))).test_client()


def half_red() -> bytes:
    """Blue with a red left half."""
    image = Image.new("RGB", (72, 72), (10, 30, 240))
    image.paste((230, 20, 30), (0, 0, 36, 72))
    return encode(image)


def explained(service: FlaskClient, query: str, data: bytes) -> list[dict[str, Any]]:
    response = service.post(f"/predict?{query}", data=data)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.get_json()["explanations"]
    return found


def test_explanation_of_the_best_class_has_exactly_these_fields(service: FlaskClient) -> None:
    (found,) = explained(service, "explain=1", plain_image("green", (36, 36)))
    assert set(found) == {"class_id", "grid", "image", "box", "approximate"}
    assert (found["class_id"], found["approximate"]) == (1, False)
    assert found["box"] == [2, 2, 34, 34]
    kind, _, data = found["image"].partition(",")
    assert kind == "data:image/png;base64"
    assert Image.open(io.BytesIO(b64decode(data))).size == (32, 32)


def test_mean_of_the_grid_plus_bias_is_the_logit(service: FlaskClient) -> None:
    """The model: logit = 4 * mean of (colour - 127) / 128 where positive, plus the class id."""
    grids = explained(service, "explain=0,01,2", plain_image("green", (36, 36)))
    logits = [np.mean(found["grid"]) + found["class_id"] for found in grids]
    wanted = [4 * max(0, value - 127) / 128 + class_id for class_id, value in enumerate((20, 220, 40))]
    assert logits == pytest.approx(wanted, abs=1e-3)


def test_map_is_hot_where_the_class_is(service: FlaskClient) -> None:
    red, blue = explained(service, "explain=0&explain=2", half_red())
    assert np.array(red["grid"]).shape == (8, 8)
    assert np.array(red["grid"])[:, :3].min() > np.array(red["grid"])[:, -3:].max()
    assert np.array(blue["grid"])[:, -3:].min() > np.array(blue["grid"])[:, :3].max()


def test_explanations_come_with_each_of_several_images(service: FlaskClient) -> None:
    sent = form(("image", "a.png", plain_image("red")), ("image", "b", b"x"), ("image", "c.png", plain_image("blue")))
    results = service.post("/predict?explain=1", **sent).get_json()["results"]
    assert [result["success"] for result in results] == [True, False, True]
    assert [results[index]["explanations"][0]["class_id"] for index in (0, 2)] == [0, 2]


@pytest.mark.parametrize("query", ["", "explain="])
def test_response_without_the_option_has_no_explanations(service: FlaskClient, query: str) -> None:
    assert "explanations" not in service.post(f"/predict?{query}", data=plain_image()).get_json()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("cat", "`explain` must be 1"),
        ("-1", "`explain` must be 1"),
        ("1.5", "`explain` must be 1"),
        ("²", "`explain` must be 1"),
        ("0,,1", "`explain` must be 1"),
        ("3", "there is no class 3: the model has 3"),
        ("999999", "there is no class 999999"),
        ("9999999", "`explain` must be 1"),
        ("0,2,3,4,5,6", "6 classes to explain: 5 are allowed"),
    ],
)
def test_bad_option_is_refused(service: FlaskClient, value: str, message: str) -> None:
    response = service.post("/predict", query_string={"explain": value}, data=plain_image())
    assert message in assert_error(response, 400, "bad_request")


def test_model_without_a_feature_map_answers_501(blind: FlaskClient) -> None:
    for path in ("/predict?explain=1", "/predict?explain=0", "/embed"):
        message = assert_error(blind.post(path, data=plain_image()), 501, "explanation_unavailable")
        assert "no feature map" in message


def test_occlusion_explains_any_model_and_says_that_it_is_approximate(blind: FlaskClient) -> None:
    red, blue = explained(blind, "explain=occlusion&explain=0,2", half_red())
    assert red["approximate"] and blue["approximate"]
    assert np.array(red["grid"]).shape == (7, 7)
    assert np.array(red["grid"])[:, :3].min() > np.array(red["grid"])[:, -3:].max()
    assert np.array(blue["grid"])[:, -3:].min() > np.array(blue["grid"])[:, :3].max()


def test_occlusion_of_several_images_is_refused(blind: FlaskClient) -> None:
    sent = form(("image", "a.png", plain_image("red")), ("image", "b.png", plain_image("blue")))
    assert "send one image" in assert_error(blind.post("/predict?explain=occlusion", **sent), 400, "bad_request")


def test_broken_image_is_an_error_and_not_an_explanation(service: FlaskClient, tmp_path: Path) -> None:
    for query in ("explain=1", "explain=occlusion"):
        assert_error(service.post(f"/predict?{query}", data=b"no image"), 415, "unsupported_format")
    assert not list(tmp_path.iterdir())
