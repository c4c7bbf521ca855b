"""URLs of images in every form of request, and requests that are refused before anything is fetched."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import FakeClassifier, assert_error, client_of, form
from tests.images import plain_image
from tests.remote import Remote

DATA = plain_image()
OTHER = plain_image("red")
URLENCODED = "application/x-www-form-urlencoded"


FORMS: dict[str, Callable[[str], dict[str, Any]]] = {
    "address": lambda url: {"query_string": {"url": url}},
    "multipart": lambda url: form(("url", None, url.encode())),
    "urlencoded": lambda url: {"data": {"url": url}, "content_type": URLENCODED},
    "JSON": lambda url: {"json": {"url": url}},
    "JSON list": lambda url: {"json": {"url": [url]}},
}


@pytest.mark.parametrize("kind", FORMS)
def test_url_in_every_form_is_fetched(fetching: FlaskClient, fake: FakeClassifier, remote: Remote, kind: str) -> None:
    response = fetching.post("/predict", **FORMS[kind](f"{remote.url}/cat"))
    assert (response.status_code, fake.images) == (200, [DATA])
    assert response.get_json()["success"]


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("url", ["http://example.com/", "http://127.0.0.1/", "nonsense"])
def test_url_is_refused_by_default(
    fake: FakeClassifier, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: str, url: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", None)
    monkeypatch.setattr(socket, "socket", None)
    message = assert_error(client_of(fake).post("/predict", **FORMS[kind](url)), 400, "urls_disabled")
    assert "PREDICT_URLS=1" in message
    assert fake.images == []
    assert caplog.messages == []


SEVERAL: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "address": lambda one, two: {"query_string": f"url={one}&url={two}&top_k=2"},
    "multipart": lambda one, two: form(("url", None, one.encode()), ("top_k", None, b"2"), ("url", None, two.encode())),
    "urlencoded": lambda one, two: {"data": f"url={one}&top_k=2&url={two}", "content_type": URLENCODED},
    "JSON": lambda one, two: {"json": {"url": [one, two], "top_k": 2}},
}


@pytest.mark.parametrize("kind", SEVERAL)
def test_several_urls_are_answered_in_order(
    fetching: FlaskClient, fake: FakeClassifier, remote: Remote, kind: str
) -> None:
    urls = [f"{remote.url}/cat", f"{remote.url}/dog"]
    results = fetching.post("/predict", **SEVERAL[kind](*urls)).get_json()["results"]
    assert [result["filename"] for result in results] == urls
    assert (fake.images, fake.top_k) == ([DATA, OTHER], 2)


def test_images_and_urls_are_answered_in_order(fetching: FlaskClient, fake: FakeClassifier, remote: Remote) -> None:
    url = f"{remote.url}/dog"
    sent = form(("image", "1.png", DATA), ("url", None, url.encode()), ("file", "3.png", DATA), ("url", None, b""))
    results = fetching.post("/predict", **sent).get_json()["results"]
    assert [result["filename"] for result in results] == ["1.png", url, "3.png"]
    assert fake.images == [DATA, OTHER, DATA]


def test_url_that_cannot_be_fetched_among_others_gets_its_own_error(
    fetching: FlaskClient, fake: FakeClassifier, remote: Remote
) -> None:
    urls = [f"{remote.url}/cat", "http://127.0.0.2/", "\ud800", f"{remote.url}/dog"]
    results = fetching.post("/predict", json={"url": urls}).get_json()["results"]
    assert [result.get("error", {}).get("code") for result in results] == [None, "fetch_failed", "fetch_failed", None]
    assert [result["filename"] for result in results] == urls
    assert fake.images == [DATA, OTHER]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"query_string": {"url": ""}}, "no_image"),
        (form(("url", None, b"")), "no_image"),
        ({"json": {"url": ""}}, "no_image"),
        ({"json": {"url": []}}, "no_image"),
        ({"json": {"url": None}}, "no_image"),
        ({"data": "url=", "content_type": URLENCODED}, "no_image"),
        ({"data": "url=http://x/&more=" + "x" * (1 << 17), "content_type": URLENCODED}, "no_image"),
        ({"json": {"url": 1}}, "bad_request"),
        ({"json": {"url": True}}, "bad_request"),
        ({"json": {"url": {"url": "http://x/"}}}, "bad_request"),
        ({"json": {"url": ["http://x/", 1]}}, "bad_request"),
        ({"json": {"url": ["http://x/", ""]}}, "bad_request"),
        ({"json": {"url": ["http://x/"], "image": 1}}, "bad_request"),
        ({"json": {"url": ["http://x/"] * 33}}, "bad_request"),
        ({"json": {"url": "http://x/" + "x" * 4096}}, "bad_request"),
        ({"query_string": {"url": "http://x/"}, "data": DATA}, "bad_request"),
        ({"query_string": {"url": "http://x/"}, "json": {}}, "bad_request"),
        ({"query_string": {"url": "http://x/", "top_k": "0"}}, "bad_request"),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_malformed_request_is_refused_before_fetching(
    fetching: FlaskClient, fake: FakeClassifier, monkeypatch: pytest.MonkeyPatch, sent: dict[str, Any], code: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", None)
    assert_error(fetching.post("/predict", **sent), 400, code)
    assert fake.images == []
