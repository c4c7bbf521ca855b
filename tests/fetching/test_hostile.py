"""Malformed, endless and redirecting responses: all of them give the client the same error."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from itertools import repeat

import pytest
from flask.testing import FlaskClient

from tests.conftest import FakeClassifier, assert_error, client_of
from tests.images import plain_image
from tests.remote import Answer, Remote, allowing, chunked, http, moved, remote_server

DATA = plain_image()
MEGABYTE = 1 << 20
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def endless(start: bytes, more: bytes) -> Iterable[bytes]:
    yield start
    yield from repeat(more)


BAD: dict[str, Answer] = {
    **{f"status {status}": http(DATA, status=f"{status} X") for status in (201, 206, 300, 304, 400, 404, 500, 999)},
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "101": b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + http(DATA),
    "empty": http(b""),
    "empty, no length": http(b"", length=False),
    "nothing": b"",
    "a line": b"HTTP/1.1 200",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/2": b"HTTP/2 200 OK\r\n\r\n" + DATA,
    "no status": b"HTTP/1.1 abc OK\r\n\r\n",
    "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "compressed": http(DATA, "Content-Encoding: gzip"),
    "compressed twice": http(DATA, "Content-Encoding: identity, br"),
    "closed early": http(DATA)[:-1],
    "closed early in chunks": chunked(DATA)[:-9],
    "closed before the last chunk": chunked(DATA)[:-5],
    "a size that is no number": CHUNKED + b"xyz\r\n" + DATA,
    "said to be too large": http(b"", f"Content-Length: {MEGABYTE + 1}", length=False),
    "said to be far too large": http(b"", f"Content-Length: {'9' * 30}", length=False),
    "too large by one": http(b"x" * (MEGABYTE + 1), length=False),
    "too large in chunks": chunked(*[b"x" * (MEGABYTE // 2)] * 2, b"x"),
    "without end": lambda: endless(http(b"", length=False), b"x" * MEGABYTE),
    "without end in chunks": lambda: endless(CHUNKED, b"1\r\nx\r\n" * 10_000),
    "a chunk of all there is": lambda: endless(CHUNKED + b"-1\r\n", b"x" * MEGABYTE),
    "a chunk of less than nothing": lambda: endless(CHUNKED + b"-5\r\n", b"x" * MEGABYTE),
    "a chunk of far less than nothing": CHUNKED + b"-" + b"f" * 40 + b"\r\nx",
    "hundreds of hundreds": lambda: repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "a header without end": lambda: endless(b"HTTP/1.1 200 OK\r\nX: ", b"x" * MEGABYTE),
    "headers without end": lambda: endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000),
    "trailers without end": lambda: endless(CHUNKED + b"1\r\nx\r\n0\r\n", b"X: y\r\n" * 1000),
    "a circle": moved("/bad"),
    "no way": http(b"", status="302 Found"),
    "an empty way": moved(""),
    "ways to somewhere else": http(b"", "Location: /cat", "Location: /dog", status="302 Found"),
    "four redirects": moved("/1"),
}


@pytest.fixture(scope="module")
def message() -> str:
    """The message for a malformed URL."""
    client = client_of(FakeClassifier(), predict_urls=True)
    return assert_error(client.post("/predict", json={"url": "nonsense"}), 422, "fetch_failed")


@pytest.mark.parametrize("kind", BAD)
def test_bad_response_returns_the_same_error(
    fake: FakeClassifier, remote: Remote, message: str, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.INFO, "my_inference_app")
    remote.answers |= {"/bad": BAD[kind], "/1": moved("/2"), "/2": moved("/3"), "/3": moved("/cat")}
    client = client_of(fake, **allowing(remote, url_timeout=60, max_upload_mb=1))
    assert assert_error(client.post(f"/predict?url={remote.url}/bad"), 422, "fetch_failed") == message
    assert fake.images == []
    assert "/cat" not in remote.paths
    assert "was not fetched" in caplog.text
    assert "Timeout" not in caplog.text, "a limit of bytes ends an endless response, not the timeout"


def test_closed_port_returns_the_same_error(fake: FakeClassifier, message: str) -> None:
    with remote_server() as gone:
        client = client_of(fake, **allowing(gone))
    assert assert_error(client.post(f"/predict?url={gone.url}/cat"), 422, "fetch_failed") == message


def test_redirect_to_a_forbidden_address_is_refused(
    fetching: FlaskClient, remote: Remote, fake: FakeClassifier, message: str
) -> None:
    with remote_server({"/cat": http(DATA)}, host="127.0.0.2", port=remote.port) as inner:
        for location in (
            f"{inner.url}/cat",
            f"//127.0.0.2:{inner.port}/cat",
            f"http://[::1]:{inner.port}/cat",
            f"http://[::ffff:127.0.0.1]:{inner.port}/cat",
            f"http://me@127.0.0.1:{remote.port}/cat",
            f"http://127.1:{remote.port}/cat",
            f"http://127.0.0.1:{remote.port + 1}/cat",
            f"h\tttp://127.0.0.1:{remote.port}\\@/cat",
            "http://169.254.169.254/latest/meta-data/",
            "ftp://127.0.0.1/cat",
            "file:///etc/passwd",
            "http://[",
            "\xe9",
        ):
            remote.answers["/away"] = moved(location).decode().encode("latin-1")
            assert assert_error(fetching.post(f"/predict?url={remote.url}/away"), 422, "fetch_failed") == message
    assert (inner.heads, fake.images) == ([], [])
    assert set(remote.paths) == {"/away"}
