"""Images in JSON: one or a list of them, and errors that say where the JSON is wrong."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import FakeClassifier, assert_error
from tests.images import plain_image

DATA = plain_image()
OTHER = plain_image("red")
BASE64 = base64.b64encode(DATA).decode()
OTHER_BASE64 = base64.b64encode(OTHER).decode()


@pytest.mark.parametrize(
    "text",
    [
        BASE64,
        f"data:image/png;base64,{BASE64}",
        f"data:;base64,{BASE64}",
        "\n".join(BASE64[start : start + 76] for start in range(0, len(BASE64), 76)),
        f"  {BASE64}\r\n",
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "application/x+json"])
def test_base64_in_any_layout_is_classified(
    client: FlaskClient, fake: FakeClassifier, text: str, content_type: str
) -> None:
    body = json.dumps({"image": text, "surplus": [1]})
    assert client.post("/predict", data=body, content_type=content_type).status_code == 200
    assert fake.images == [DATA]


def test_json_with_byte_order_mark_is_read(client: FlaskClient, fake: FakeClassifier) -> None:
    body = json.dumps({"image": BASE64}).encode("utf-8-sig")
    assert client.post("/predict", data=body, content_type="application/json").status_code == 200
    assert fake.images == [DATA]


def test_list_of_one_image_is_answered_as_one_image(client: FlaskClient, fake: FakeClassifier) -> None:
    one, listed = (client.post("/predict", json={"image": image}).get_json() for image in (BASE64, [BASE64]))
    assert one.pop("request_id") != listed.pop("request_id")
    assert one == listed
    assert fake.images == [DATA]


def test_list_of_images_is_answered_in_order(client: FlaskClient, fake: FakeClassifier) -> None:
    response = client.post("/predict", json={"image": [BASE64, OTHER_BASE64, BASE64], "top_k": 2})
    assert (fake.images, fake.top_k) == ([DATA, OTHER, DATA], 2)
    results = response.get_json()["results"]
    assert [(result["success"], result["filename"]) for result in results] == [(True, None)] * 3


def test_empty_image_in_a_list_is_passed_on_to_get_its_own_error(client: FlaskClient, fake: FakeClassifier) -> None:
    assert client.post("/predict", json={"image": [BASE64, ""]}).status_code == 200
    assert fake.images == [DATA, b""]


def test_list_over_the_limit_returns_400(client: FlaskClient, fake: FakeClassifier) -> None:
    message = assert_error(client.post("/predict", json={"image": [BASE64] * 33}), 400, "bad_request")
    assert "33" in message and "32" in message
    assert fake.images == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"image": None},
        {"image": ""},
        {"image": " \n"},
        {"image": []},
        {"image": ["", " "]},
        {"image": "data:image/png;base64,"},
        {"image": "data:image/png"},
        {"images": [BASE64]},
    ],
    ids=repr,
)
def test_json_without_image_returns_no_image(client: FlaskClient, fake: FakeClassifier, body: dict[str, Any]) -> None:
    assert "image" in assert_error(client.post("/predict", json=body), 400, "no_image")
    assert fake.images == []


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "empty"),
        (b" \n ", "line 2, column 2"),
        (b"{", "line 1, column 2"),
        (b'{"image": "', "line 1, column 11"),
        (b'{"image": "a",\n "top_k": 5,}', "line 2, column 13"),
        (b"{'image': 'a'}", "line 1, column 2"),
        (b'{"image": "a\nb"}', "line 1, column 13"),
        (b'{"image": "a"} {}', "line 1, column 16"),
        (b"image=abc", "line 1, column 1"),
        (b"\xff\xfe", "byte 1 "),
        ('{"image": "é"}'.encode("latin-1"), "byte 12 "),
        (DATA, "byte 1 "),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"1" * 10_000, "too many digits"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_malformed_json_returns_where_it_is_wrong(
    client: FlaskClient, fake: FakeClassifier, body: bytes, where: str
) -> None:
    response = client.post("/predict", data=body, content_type="application/json")
    message = assert_error(response, 400, "bad_request")
    assert where in message and "JSON" in message
    assert fake.images == []


@pytest.mark.parametrize("body", [None, [], [BASE64], BASE64, 1], ids=lambda body: repr(body)[:30])
def test_json_other_than_an_object_returns_400(client: FlaskClient, body: object) -> None:
    response = client.post("/predict", data=json.dumps(body), content_type="application/json")
    assert "must be an object" in assert_error(response, 400, "bad_request")


@pytest.mark.parametrize(
    "image", [1, True, False, 0, {"data": BASE64}, [1], [BASE64, None], [[BASE64]]], ids=lambda image: repr(image)[:30]
)
def test_image_of_another_type_returns_400(client: FlaskClient, fake: FakeClassifier, image: object) -> None:
    message = assert_error(client.post("/predict", json={"image": image}), 400, "bad_request")
    assert message == "`image` must be a string or a list of strings"
    assert fake.images == []


@pytest.mark.parametrize(
    "text", ["not base64!", "YQ", "YQ==YQ==", "é", "\ud800", "http://example.com/cat.jpg"], ids=ascii
)
def test_bad_base64_returns_which_image_it_is(client: FlaskClient, fake: FakeClassifier, text: str) -> None:
    for images, number in ((text, 1), ([BASE64, text], 2)):
        message = assert_error(client.post("/predict", json={"image": images}), 400, "bad_request")
        assert message.startswith(f"`image` number {number} is not valid base64")
    assert fake.images == []
