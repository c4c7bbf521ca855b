"""Every form a picture may come in, and every form it may not."""

from __future__ import annotations

import base64
import io
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import FakeClassifier, assert_error, client_of, form
from tests.images import plain_image

DATA = plain_image()
BASE64 = base64.b64encode(DATA).decode()
# A body without a length, sent in chunks: gunicorn marks the end of the stream.
CHUNKED = {"wsgi.input_terminated": True}
URLENCODED = "application/x-www-form-urlencoded"


def file(data: bytes = DATA, name: str = "cat.png", field: str = "image") -> tuple[str, str, bytes]:
    return field, name, data


@pytest.mark.parametrize("field", ["image", "file"])
@pytest.mark.parametrize("name", ["cat.jpg", "no extension", "../../etc/passwd", "кот.png", 'a"b.png', "x" * 300])
def test_multipart_field(client: FlaskClient, fake: FakeClassifier, field: str, name: str) -> None:
    assert client.post("/predict", **form(file(name=name, field=field))).status_code == 200
    assert fake.images == [DATA]


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
def test_raw_body_of_any_type(client: FlaskClient, fake: FakeClassifier, content_type: str | None) -> None:
    assert client.post("/predict", data=DATA, content_type=content_type).status_code == 200
    assert fake.images == [DATA]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_what_curl_calls_a_form_is_a_picture_if_it_begins_as_one(
    client: FlaskClient, fake: FakeClassifier, format: str
) -> None:
    data = plain_image(format=format)
    assert client.post("/predict", data=data, content_type=URLENCODED).status_code == 200
    assert fake.images == [data]


def test_body_without_a_length(client: FlaskClient, fake: FakeClassifier) -> None:
    for content_type in ("image/png", URLENCODED):
        response = client.post(
            "/predict", input_stream=io.BytesIO(DATA), content_type=content_type, environ_overrides=CHUNKED
        )
        assert (response.status_code, fake.images) == (200, [DATA])


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
def test_json(client: FlaskClient, fake: FakeClassifier, text: str, content_type: str) -> None:
    body = json.dumps({"image": text, "surplus": [1]})
    assert client.post("/predict", data=body, content_type=content_type).status_code == 200
    assert fake.images == [DATA]


def test_several_pictures_in_their_order(client: FlaskClient, fake: FakeClassifier) -> None:
    sent = form(file(b"1", "a"), file(b"2", "b"), ("text", None, b"x"), file(b"1", "a"), file(b"3", "c", "file"))
    response = client.post("/predict", **sent)
    assert fake.images == [b"1", b"2", b"1", b"3"]
    assert [result["filename"] for result in response.get_json()["results"]] == ["a", "b", "a", "c"]


def test_an_empty_file_among_others_has_an_error_of_its_own(tiny: Bundle) -> None:
    client = create_app(Settings(bundle=str(tiny.path))).test_client()
    results = client.post("/predict", **form(file(), file(b""), file())).get_json()["results"]
    assert [result["success"] for result in results] == [True, False, True]


def test_32_pictures_and_no_more(client: FlaskClient, fake: FakeClassifier) -> None:
    assert len(client.post("/predict", **form(*[file()] * 32)).get_json()["results"]) == 32
    fake.images.clear()
    message = assert_error(client.post("/predict", **form(*[file()] * 33)), 400, "bad_request")
    assert "33" in message and "32" in message
    assert fake.images == []


def test_the_most_pictures_are_a_setting(fake: FakeClassifier) -> None:
    client = client_of(fake, max_images=1)
    assert client.post("/predict", **form(file())).status_code == 200
    assert_error(client.post("/predict", **form(file(), file())), 400, "bad_request")


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"data": b""},
        {"data": b"", "content_type": "image/jpeg"},
        form(),
        form(file(b"")),
        form(file(b"", "")),
        form(file(b"", "a"), file(b"", "b")),
        form(("image", None, b"text")),
        form(file(field="picture")),
        form(file(field="Image")),
        form(file(field="image[]")),
        form(file(field="")),
        {"data": {"image": "text"}, "content_type": URLENCODED},
        {"data": f"image={BASE64}", "content_type": URLENCODED},
        {"data": "BMW=1&image=x&more=of-it-follows", "content_type": URLENCODED},
        {"json": {}},
        {"json": {"image": None}},
        {"json": {"image": ""}},
        {"json": {"image": " \n"}},
        {"json": {"image": "data:image/png;base64,"}},
        {"json": {"image": "data:image/png"}},
        {"json": {"images": [BASE64]}},
    ],
    ids=repr,
)
def test_no_picture(client: FlaskClient, fake: FakeClassifier, sent: dict[str, Any]) -> None:
    message = assert_error(client.post("/predict", **sent), 400, "no_image")
    assert "image" in message
    assert fake.images == []


@pytest.mark.parametrize(
    ("body", "boundary"),
    [
        (DATA, ""),
        (DATA, "; boundary="),
        (DATA, "; boundary=b"),
        (b"", "; boundary=b"),
        (b"--b\r\n", "; boundary=b"),
        (b"--x\r\n\r\nno such boundary\r\n--x--\r\n", "; boundary=b"),
        (b"--b\r\nno header\r\n\r\ndata\r\n--b--\r\n", "; boundary=b"),
        (form(file())["data"].replace(b'name="image"; ', b""), "; boundary=b"),
        (form(file())["data"][:-40], "; boundary=b"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_broken_forms(client: FlaskClient, fake: FakeClassifier, body: bytes, boundary: str) -> None:
    response = client.post("/predict", data=body, content_type=f"multipart/form-data{boundary}")
    code = response.get_json()["error"]["code"]
    assert code in ("no_image", "bad_request")
    assert_error(response, 400, code)
    assert fake.images == []


@pytest.mark.parametrize(
    "sent",
    [
        {"data": b"", "content_type": "application/json"},
        {"data": b"{", "content_type": "application/json"},
        {"data": b'{"image": "', "content_type": "application/json"},
        {"data": b"\xff\xfe", "content_type": "application/json"},
        {"data": DATA, "content_type": "application/json"},
        {"data": b"[" * 100_000, "content_type": "application/json"},
        {"data": b'{"a":' * 100_000, "content_type": "application/json"},
        {"data": b"1" * 10_000, "content_type": "application/json"},
        {"data": b"null", "content_type": "application/json"},
        {"json": []},
        {"json": [BASE64]},
        {"json": BASE64},
        {"json": 1},
        {"json": {"image": 1}},
        {"json": {"image": True}},
        {"json": {"image": [BASE64]}},
        {"json": {"image": {"data": BASE64}}},
        {"json": {"image": "not base64!"}},
        {"json": {"image": "YQ"}},
        {"json": {"image": "YQ==YQ=="}},
        {"json": {"image": "é"}},
        {"json": {"image": "\ud800"}},
        {"json": {"image": "http://example.com/cat.jpg"}},
    ],
    ids=lambda sent: repr(sent)[:60],
)
def test_broken_json(client: FlaskClient, fake: FakeClassifier, sent: dict[str, Any]) -> None:
    assert_error(client.post("/predict", **sent), 400, "bad_request")
    assert fake.images == []


@pytest.mark.parametrize("top_k", ["0", "-1", "1001", "5.0", "five", "", " ", "1e3", "0x5", "٣", "99999", "1;2", "NaN"])
def test_bad_top_k(client: FlaskClient, fake: FakeClassifier, top_k: str) -> None:
    for sent in (
        {"data": DATA, "query_string": {"top_k": top_k}},
        form(file(), ("top_k", None, top_k.encode())),
        {"json": {"image": BASE64, "top_k": top_k}},
    ):
        assert assert_error(client.post("/predict", **sent), 400, "bad_request") == (
            "top_k must be a whole number from 1 to 1000"
        )
    assert fake.images == []


@pytest.mark.parametrize("top_k", [0, -1, 1001, 5.5, True, [5], {"k": 5}])
def test_bad_top_k_of_other_types(client: FlaskClient, top_k: object) -> None:
    response = client.post("/predict", json={"image": BASE64, "top_k": top_k})
    assert "top_k" in assert_error(response, 400, "bad_request")


def test_top_k_beside_the_picture_and_in_the_address_which_wins(client: FlaskClient, fake: FakeClassifier) -> None:
    for path, expected in (("/predict", 2), ("/predict?top_k=3", 3)):
        for top_k in (2, "2"):
            client.post(path, json={"image": BASE64, "top_k": top_k})
            assert fake.top_k == expected
        client.post(path, **form(file(), ("top_k", None, b"2")))
        assert fake.top_k == expected


MEGABYTE = 1024 * 1024
BIG = b"\xff" * (MEGABYTE + 1)


@pytest.mark.parametrize(
    "sent",
    [
        {"data": BIG},
        {"data": BIG, "content_type": URLENCODED},
        {"data": BIG, "content_type": "application/json"},
        form(file(BIG)),
        form(file(BIG[: MEGABYTE // 2]), file(BIG[: MEGABYTE // 2])),
        form(("text", None, BIG)),
        {"data": DATA, "environ_overrides": {"CONTENT_LENGTH": "9" * 20}},
    ],
    ids=["raw", "form", "JSON", "file", "files", "text", "length"],
)
def test_too_large(fake: FakeClassifier, sent: dict[str, Any]) -> None:
    assert_error(client_of(fake, max_upload_mb=1).post("/predict", **sent), 413, "payload_too_large")
    assert fake.images == []


@pytest.mark.parametrize(
    "content_type", ["image/jpeg", URLENCODED, "application/json", "multipart/form-data; boundary=b"]
)
def test_too_large_in_chunks(fake: FakeClassifier, content_type: str) -> None:
    body = form(file(BIG))["data"] if "boundary" in content_type else BIG
    response = client_of(fake, max_upload_mb=1).post(
        "/predict", input_stream=io.BytesIO(body), content_type=content_type, environ_overrides=CHUNKED
    )
    assert_error(response, 413, "payload_too_large")
    assert fake.images == []


def test_as_large_as_allowed(fake: FakeClassifier) -> None:
    client = client_of(fake, max_upload_mb=1)
    for sent in ({"data": BIG[:-1]}, form(file(BIG[: MEGABYTE - 500]))):
        assert client.post("/predict", **sent).status_code == 200
        assert len(fake.images[0]) > MEGABYTE - 1000


def test_a_form_of_too_many_parts(client: FlaskClient) -> None:
    sent = form(*[("x", None, b"")] * 2000, file())
    assert_error(client.post("/predict", **sent), 413, "payload_too_large")


@contextmanager
def full_disk() -> Iterator[None]:
    """Whatever is written to a file fails, what pytest says included: not a fixture, which would last longer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("kind", ["raw", "form", "JSON"])
def test_large_uploads_need_no_disk(client: FlaskClient, fake: FakeClassifier, tmp_path: Path, kind: str) -> None:
    data = bytes(7_000_000)
    forms: dict[str, dict[str, Any]] = {
        "raw": {"data": data},
        "form": form(("image", "a.png", data[:5_000_000]), ("image", "b.png", data[5_000_000:])),
        "JSON": {"json": {"image": base64.b64encode(data).decode()}},
    }
    with full_disk():
        with pytest.raises(OSError, match="File too large"):
            (tmp_path / "file").write_bytes(b"x")
        response = client.post("/predict", **forms[kind])
    assert response.status_code == 200
    assert sum(map(len, fake.images)) == len(data)
