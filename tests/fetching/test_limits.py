"""Remote servers and resolvers cannot exceed their limits of time, memory and threads."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from itertools import chain
from threading import Event, Thread, active_count

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import FakeClassifier, assert_error, client_of
from tests.images import plain_image
from tests.live.service import until
from tests.remote import Remote, allowing, chunked, http

DATA = plain_image()
MEGABYTE = 1 << 20


@pytest.fixture
def hasty(fake: FakeClassifier, remote: Remote) -> FlaskClient:
    """A client of a service with a short URL_TIMEOUT."""
    return client_of(fake, **allowing(remote, url_timeout=0.5, max_upload_mb=1))


def test_image_at_the_size_limit_is_classified(fake: FakeClassifier, remote: Remote) -> None:
    data = b"x" * MEGABYTE
    client = client_of(fake, **allowing(remote, max_upload_mb=1, url_timeout=60))
    for remote.answers["/large"] in (http(data), http(data, length=False), chunked(data)):
        assert client.post(f"/predict?url={remote.url}/large").status_code == 200
        assert fake.images == [data]


def test_images_of_one_request_share_the_size_limit(fake: FakeClassifier, remote: Remote) -> None:
    remote.answers["/half"] = http(b"x" * (MEGABYTE // 2))
    client = client_of(fake, **allowing(remote, max_upload_mb=1, url_timeout=60))
    urls = [f"{remote.url}/{name}" for name in ("half", "half", "cat")]
    results = client.post("/predict", json={"url": urls}).get_json()["results"]
    assert [result["success"] for result in results] == [True, True, False]


def drips(remote: Remote, data: bytes, start: int) -> Iterator[bytes]:
    yield data[:start]
    yield from remote.drip(data[start:])


@pytest.mark.parametrize("start", [0, 20, len(http(DATA)) - 60], ids=["status", "headers", "body"])
def test_slow_response_ends_at_url_timeout(
    hasty: FlaskClient, fake: FakeClassifier, remote: Remote, start: int
) -> None:
    """The whole response would arrive in the end, and no single byte is late."""
    remote.answers["/drip"] = lambda: drips(remote, http(DATA), start)
    assert_error(hasty.post(f"/predict?url={remote.url}/drip"), 422, "fetch_failed")
    assert fake.images == []


def test_silent_server_ends_at_url_timeout(hasty: FlaskClient, remote: Remote) -> None:
    remote.answers["/silent"] = remote.silence
    assert_error(hasty.post(f"/predict?url={remote.url}/silent"), 422, "fetch_failed")


def test_images_of_one_request_share_the_time(hasty: FlaskClient, remote: Remote) -> None:
    remote.answers["/silent"] = remote.silence
    urls = [f"{remote.url}/{name}" for name in ("silent", "cat", "dog")]
    results = hasty.post("/predict", json={"url": urls}).get_json()["results"]
    assert [result["success"] for result in results] == [False, False, False]
    assert remote.paths == ["/silent"]


def test_request_deadline_ends_fetching(tiny: Bundle, remote: Remote, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "my_inference_app")
    remote.answers["/drip"] = lambda: remote.drip(http(DATA))
    settings = Settings(bundle=str(tiny.path), request_timeout=0.3, **allowing(remote, url_timeout=60))
    response = create_app(settings).test_client().post(f"/predict?url={remote.url}/drip")
    assert_error(response, 504, "timeout")
    assert "TimeoutError" in caplog.text


def test_too_large_content_length_is_refused_at_once(
    fake: FakeClassifier, remote: Remote, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "my_inference_app")
    head = http(b"", f"Content-Length: {MEGABYTE + 1}", length=False)
    remote.answers["/large"] = lambda: chain([head], remote.silence())
    client = client_of(fake, **allowing(remote, max_upload_mb=1, url_timeout=60))
    assert_error(client.post(f"/predict?url={remote.url}/large"), 422, "fetch_failed")
    assert "Timeout" not in caplog.text


def test_fetching_uses_a_quarter_of_the_threads(fake: FakeClassifier, remote: Remote) -> None:
    remote.answers["/silent"] = remote.silence
    client = client_of(fake, threads=8, **allowing(remote, url_timeout=60))

    def fetch() -> None:
        client.application.test_client().post(f"/predict?url={remote.url}/silent")

    stuck = [Thread(target=fetch) for _ in range(2)]
    for thread in stuck:
        thread.start()
    until(lambda: len(remote.heads) == 2)
    assert_error(client.post(f"/predict?url={remote.url}/cat"), 503, "overloaded")
    assert client.post("/predict", data=DATA).status_code == 200
    remote.stopped.set()
    for thread in stuck:
        thread.join()
    assert client.post(f"/predict?url={remote.url}/cat").status_code == 200


def test_hanging_lookups_end_at_url_timeout_and_do_not_pile_up(
    fake: FakeClassifier, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(fake, threads=8, **allowing(remote, url_timeout=0.2))
    asked: list[str] = []
    wake = Event()

    def ask(host: str) -> TestResponse:
        return client.post("/predict", json={"url": f"http://{host}:{remote.port}/cat"})

    def hang(host: str, *_: object, **__: object) -> object:
        asked.append(host)
        wake.wait()
        raise socket.gaierror

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", hang)
        try:
            for number in range(5):
                assert_error(ask(f"name{number}.test"), 422, "fetch_failed")
            threads = active_count()
            assert_error(ask("more.test"), 422, "fetch_failed")
            assert active_count() == threads
        finally:
            wake.set()
        patch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("127.0.0.1", remote.port))])
        for _ in range(20):  # until the two hanging lookups have ended
            if ask("good.test").status_code == 200:
                break
    assert fake.images == [DATA]
    assert len(asked) == 2, "lookups use a quarter of the threads, and those that waited were cancelled"
