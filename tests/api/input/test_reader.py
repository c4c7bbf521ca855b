"""Limits and options that hold for every form of request."""

from __future__ import annotations

import base64
import io
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import FakeClassifier, assert_error, client_of, form
from tests.images import plain_image

DATA = plain_image()
BASE64 = base64.b64encode(DATA).decode()
URLENCODED = "application/x-www-form-urlencoded"
FILE = ("image", "cat.png", DATA)
MEGABYTE = 1024 * 1024
BIG = b"\xff" * (MEGABYTE + 1)


def test_more_than_32_images_return_400(client: FlaskClient, fake: FakeClassifier) -> None:
    assert len(client.post("/predict", **form(*[FILE] * 32)).get_json()["results"]) == 32
    fake.images.clear()
    message = assert_error(client.post("/predict", **form(*[FILE] * 33)), 400, "bad_request")
    assert "33" in message and "32" in message
    assert fake.images == []


def test_max_images_sets_the_limit(fake: FakeClassifier) -> None:
    client = client_of(fake, max_images=1)
    assert client.post("/predict", **form(FILE)).status_code == 200
    assert_error(client.post("/predict", **form(FILE, FILE)), 400, "bad_request")


@pytest.mark.parametrize("top_k", ["0", "-1", "1001", "5.0", "five", "", " ", "1e3", "0x5", "٣", "99999", "1;2", "NaN"])
def test_bad_top_k_returns_400(client: FlaskClient, fake: FakeClassifier, top_k: str) -> None:
    for sent in (
        {"data": DATA, "query_string": {"top_k": top_k}},
        form(FILE, ("top_k", None, top_k.encode())),
        {"json": {"image": BASE64, "top_k": top_k}},
    ):
        message = assert_error(client.post("/predict", **sent), 400, "bad_request")
        assert message == "top_k must be a whole number from 1 to 1000"
    assert fake.images == []


@pytest.mark.parametrize("top_k", [0, -1, 1001, 5.5, True, [5], {"k": 5}])
def test_top_k_of_another_type_returns_400(client: FlaskClient, top_k: object) -> None:
    response = client.post("/predict", json={"image": BASE64, "top_k": top_k})
    assert "top_k" in assert_error(response, 400, "bad_request")


def test_top_k_in_the_query_overrides_the_body(client: FlaskClient, fake: FakeClassifier) -> None:
    for path, expected in (("/predict", 2), ("/predict?top_k=3", 3)):
        for top_k in (2, "2"):
            client.post(path, json={"image": BASE64, "top_k": top_k})
            assert fake.top_k == expected
        client.post(path, **form(FILE, ("top_k", None, b"2")))
        assert fake.top_k == expected


@pytest.mark.parametrize(
    "sent",
    [
        {"data": BIG},
        {"data": BIG, "content_type": URLENCODED},
        {"data": BIG, "content_type": "application/json"},
        form(("image", "cat.png", BIG)),
        form(*[("image", "cat.png", BIG[: MEGABYTE // 2])] * 2),
        form(("text", None, BIG)),
        {"data": DATA, "environ_overrides": {"CONTENT_LENGTH": "9" * 20}},
    ],
    ids=["raw", "form", "JSON", "file", "files", "text", "length"],
)
def test_body_over_the_limit_returns_413(fake: FakeClassifier, sent: dict[str, Any]) -> None:
    message = assert_error(client_of(fake, max_upload_mb=1).post("/predict", **sent), 413, "payload_too_large")
    assert message == "the request is larger than 1 MB: send fewer or smaller images"
    assert fake.images == []


@pytest.mark.parametrize(
    "content_type", ["image/jpeg", URLENCODED, "application/json", "multipart/form-data; boundary=b"]
)
def test_chunked_body_over_the_limit_returns_413(fake: FakeClassifier, content_type: str) -> None:
    body = form(("image", "cat.png", BIG))["data"] if "boundary" in content_type else BIG
    response = client_of(fake, max_upload_mb=1).post(
        "/predict",
        input_stream=io.BytesIO(body),
        content_type=content_type,
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert_error(response, 413, "payload_too_large")
    assert fake.images == []


def test_body_at_the_limit_is_classified(fake: FakeClassifier) -> None:
    client = client_of(fake, max_upload_mb=1)
    for sent in ({"data": BIG[:-1]}, form(("image", "cat.png", BIG[: MEGABYTE - 500]))):
        assert client.post("/predict", **sent).status_code == 200
        assert len(fake.images[0]) > MEGABYTE - 1000


@contextmanager
def full_disk() -> Iterator[None]:
    """Makes every write to a file fail. Not a fixture: that would also break the output of pytest."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("kind", ["raw", "form", "JSON"])
def test_large_upload_with_a_full_disk_is_classified(
    client: FlaskClient, fake: FakeClassifier, tmp_path: Path, kind: str
) -> None:
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
