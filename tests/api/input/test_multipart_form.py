"""Images in multipart forms: which parts are images, what they are called, and which forms are refused."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import FakeClassifier, assert_error, form
from tests.images import plain_image

DATA = plain_image()


def file(data: bytes = DATA, name: str = "cat.png", field: str = "image") -> tuple[str, str, bytes]:
    return field, name, data


def filename_of(client: FlaskClient, parameter: bytes) -> str | None:
    """The file name in the response to two images, the first of which has this parameter."""
    head = b'--b\r\nContent-Disposition: form-data; name="image"; %s\r\n\r\n' % parameter
    body = head + DATA + b"\r\n" + form(file())["data"]
    response = client.post("/predict", data=body, content_type="multipart/form-data; boundary=b")
    assert response.status_code == 200, response.text
    name: str | None = response.get_json()["results"][0]["filename"]
    return name


@pytest.mark.parametrize("field", ["image", "file"])
@pytest.mark.parametrize("name", ["cat.jpg", "no extension", "../../etc/passwd", "кот.png", 'a"b.png', "x" * 300])
def test_file_in_either_field_is_classified(client: FlaskClient, fake: FakeClassifier, field: str, name: str) -> None:
    assert client.post("/predict", **form(file(name=name, field=field))).status_code == 200
    assert fake.images == [DATA]


def test_several_files_are_answered_in_order(client: FlaskClient, fake: FakeClassifier) -> None:
    sent = form(file(b"1", "a"), file(b"2", "b"), ("text", None, b"x"), file(b"1", "a"), file(b"3", "c", "file"))
    response = client.post("/predict", **sent)
    assert fake.images == [b"1", b"2", b"1", b"3"]
    assert [result["filename"] for result in response.get_json()["results"]] == ["a", "b", "a", "c"]


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ('filename="кот.png"'.encode(), "кот.png"),
        (b'filename="caf\xe9.png"', "café.png"),
        (b'filename="\xff\xfe\x80.png"', "ÿþ\x80.png"),
        (b'filename="%E9.png"', "%E9.png"),
        (b"filename*=UTF-8''k%C3%A4se.png", "käse.png"),
        (b"filename*=utf-8'en'k%E4se.png", "käse.png"),
        (b"filename*=ISO-8859-1''k%C3%A4se.png", "kÃ¤se.png"),
        (b"filename*=no-such-charset''k%C3%A4se.png", "käse.png"),
        (b"filename*=rot13''a.png", "a.png"),
        (b"filename*=''k\xe4se.png", "käse.png"),
        (b"filename*=utf-8''", None),
        (b"filename=a.png; filename*=utf-8''b.png", "a.png"),
    ],
)
def test_file_name_in_any_encoding_is_shown(client: FlaskClient, parameter: bytes, name: str | None) -> None:
    assert filename_of(client, parameter) == name


def test_empty_file_among_others_gets_its_own_error(tiny: Bundle) -> None:
    client = create_app(Settings(bundle=str(tiny.path))).test_client()
    results = client.post("/predict", **form(file(), file(b""), file())).get_json()["results"]
    assert [result["success"] for result in results] == [True, False, True]


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [file(b"")],
        [file(b"", "")],
        [file(b"", "a"), file(b"", "b")],
        [("image", None, b"text")],
        [file(field="picture")],
        [file(field="Image")],
        [file(field="image[]")],
        [file(field="")],
    ],
    ids=repr,
)
def test_form_without_image_returns_no_image(
    client: FlaskClient, fake: FakeClassifier, parts: list[tuple[str, str | None, bytes]]
) -> None:
    assert "image" in assert_error(client.post("/predict", **form(*parts)), 400, "no_image")
    assert fake.images == []


def test_image_sent_as_text_returns_the_right_curl_option(client: FlaskClient) -> None:
    message = assert_error(client.post("/predict", **form(("file", None, b"cat.jpg"))), 400, "no_image")
    assert "curl -F file=@cat.jpg" in message


BROKEN = {
    "no boundary": (DATA, ""),
    "empty boundary": (DATA, "; boundary="),
    "an image instead of a form": (DATA, "; boundary=b"),
    "only a boundary": (b"--b\r\n", "; boundary=b"),
    "another boundary": (b"--x\r\n\r\nno such boundary\r\n--x--\r\n", "; boundary=b"),
    "part without headers": (b"--b\r\nno header\r\n\r\ndata\r\n--b--\r\n", "; boundary=b"),
    "cut off": (form(file())["data"][:-40], "; boundary=b"),
    "wrong length": (b"--b\r\nContent-Length: x\r\n\r\n\r\n--b--\r\n", "; boundary=b"),
    "raw byte in a header name": (b"--b\r\nX\xe9: y\r\n\r\n\r\n--b--\r\n", "; boundary=b"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_malformed_form_returns_our_own_words(client: FlaskClient, fake: FakeClassifier, name: str) -> None:
    body, boundary = BROKEN[name]
    response = client.post("/predict", data=body, content_type=f"multipart/form-data{boundary}")
    message = assert_error(response, 400, "bad_request")
    assert message.startswith("the form ") and ": " in message
    assert "segment" not in message and "Error" not in message and "parser" not in message
    assert fake.images == []


def test_part_without_a_name_is_ignored(client: FlaskClient) -> None:
    body = form(file())["data"].replace(b'name="image"; ', b"")
    response = client.post("/predict", data=body, content_type="multipart/form-data; boundary=b")
    assert_error(response, 400, "no_image")


@pytest.mark.parametrize("parts", [[("x", None, b"")] * 2000, [("x" * 5000, None, b"")]])
def test_form_over_its_limits_returns_413(client: FlaskClient, parts: list[tuple[str, str | None, bytes]]) -> None:
    message = assert_error(client.post("/predict", **form(*parts, file())), 413, "payload_too_large")
    assert "1000 parts" in message and "aximum" not in message
