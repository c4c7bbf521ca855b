"""An image as the whole body, whatever the request calls it."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import FakeClassifier, assert_error
from tests.images import plain_image

DATA = plain_image()
URLENCODED = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "image/jpeg",
        "image/*",
        "application/octet-stream",
        "text/plain; charset=utf-8",
        "nonsense",
        URLENCODED,
        f"{URLENCODED}; charset=utf-8",
    ],
)
def test_body_of_any_media_type_is_classified(
    client: FlaskClient, fake: FakeClassifier, content_type: str | None
) -> None:
    assert client.post("/predict", data=DATA, content_type=content_type).status_code == 200
    assert fake.images == [DATA]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_image_labelled_as_a_form_is_classified(client: FlaskClient, fake: FakeClassifier, format: str) -> None:
    data = plain_image(format=format)
    assert client.post("/predict", data=data, content_type=URLENCODED).status_code == 200
    assert fake.images == [data]


@pytest.mark.parametrize("content_type", ["image/png", URLENCODED])
def test_body_without_a_length_is_classified(client: FlaskClient, fake: FakeClassifier, content_type: str) -> None:
    response = client.post(
        "/predict",
        input_stream=io.BytesIO(DATA),
        content_type=content_type,
        environ_overrides={"wsgi.input_terminated": True},  # gunicorn marks a chunked body like this
    )
    assert (response.status_code, fake.images) == (200, [DATA])


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"data": b""},
        {"data": b"", "content_type": "image/jpeg"},
        {"data": b"", "content_type": "multipart/form-data; boundary=b"},
        {"data": {"image": "text"}, "content_type": URLENCODED},
        {"data": f"image={base64.b64encode(DATA).decode()}", "content_type": URLENCODED},
        {"data": "BMW=1&image=x&more=of-it-follows", "content_type": URLENCODED},
    ],
    ids=repr,
)
def test_body_without_image_returns_no_image(client: FlaskClient, fake: FakeClassifier, sent: dict[str, Any]) -> None:
    assert "image" in assert_error(client.post("/predict", **sent), 400, "no_image")
    assert fake.images == []
