"""The request that a remote server gets, and the responses that are accepted."""

from __future__ import annotations

import logging

import pytest
from flask.testing import FlaskClient

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import FakeClassifier, assert_error
from tests.images import plain_image
from tests.remote import Answer, Remote, allowing, chunked, http, moved

DATA = plain_image()
PROXIES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")


GOOD: dict[str, Answer] = {
    "with a length": http(DATA),
    "until it closes": http(DATA, length=False),
    "in chunks": chunked(DATA[:10], DATA[10:]),
    "of another type": http(DATA, "Content-Type: text/html", "Content-Encoding: identity"),
    "after a hundred": b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" + http(DATA),
    "of HTTP/1.0": http(DATA).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "byte by byte": lambda: (http(DATA)[number : number + 1] for number in range(len(http(DATA)))),
    "with more behind it": http(DATA) + b"surplus",
    "after three redirects": moved("/b"),
}


@pytest.mark.parametrize("kind", GOOD)
def test_valid_response_is_classified(fetching: FlaskClient, fake: FakeClassifier, remote: Remote, kind: str) -> None:
    remote.answers["/a"] = GOOD[kind]
    remote.answers["/b"] = moved("c?d=/e", "307 Temporary Redirect")
    remote.answers["/c?d=/e"] = moved(f"{remote.url}/cat", "308 Permanent Redirect")
    assert fetching.post("/predict", json={"url": f"{remote.url}/a"}).status_code == 200
    assert fake.images == [DATA]


def test_remote_server_gets_no_headers_of_the_client(
    fetching: FlaskClient, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    headers = {"Authorization": "Bearer secret", "Cookie": "a=b", "X-API-Key": "secret", "X-Request-ID": "mine"}
    assert fetching.post("/predict", json={"url": f"{remote.url}/cat"}, headers=headers).status_code == 200
    (head,) = remote.heads
    assert head.split("\r\n") == [
        "GET /cat HTTP/1.1",
        f"Host: 127.0.0.1:{remote.port}",
        "User-Agent: my_inference_app",
        "Accept: image/*",
        "Accept-Encoding: identity",
        "Connection: close",
        "",
        "",
    ]


def test_fetched_bytes_are_checked_like_an_upload(tiny: Bundle, remote: Remote) -> None:
    client = create_app(Settings(bundle=str(tiny.path), **allowing(remote))).test_client()
    remote.answers |= {"/text": http(b"text " * 20), "/half": http(DATA[:60])}
    assert client.post(f"/predict?url={remote.url}/dog").get_json()["response"]["body"] == '"red"'
    assert_error(client.post(f"/predict?url={remote.url}/text"), 415, "unsupported_format")
    assert_error(client.post(f"/predict?url={remote.url}/half"), 422, "image_undecodable")
    assert_error(client.post("/predict?url=http://127.0.0.2/"), 422, "fetch_failed")


def test_log_has_the_reason_and_no_secret(
    fetching: FlaskClient, remote: Remote, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "my_inference_app")
    remote.answers["/x?key=secret"] = http(b"", status="404 Not \x1b[2J Found")
    remote.answers["/y"] = b"\x1b[2J\xe2\x80\xae no HTTP"
    for url in (f"{remote.url}/x?key=secret", "http://me:secret@127.0.0.1/", "http://127.0.0.2/", f"{remote.url}/y"):
        response = fetching.post("/predict", json={"url": url}, headers={"X-Request-ID": "find-me"})
        assert_error(response, 422, "fetch_failed")
    lines = [message for message in caplog.messages if "was not fetched" in message]
    expected = ["status 404", "not a plain http", "port 80 is not in URL_PORTS", "BadStatusLine"]
    assert len(lines) == len(expected)
    for line, reason in zip(lines, expected, strict=True):
        assert reason in line
        assert line.endswith("id=find-me") and "secret" not in line
        assert line.isascii() and line.isprintable()
