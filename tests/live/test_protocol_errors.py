"""nginx's own errors have the shape of the protocol whose address was requested."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.live.service import nginx_alone, until

TOO_LARGE = b"x" * (10 * 1024 * 1024 + 1)


def standard(code: str, message: str) -> dict[str, Any]:
    return {"success": False, "error": {"code": code, "message": message}, "request_id": "find-me"}


def one_text(message: str) -> dict[str, Any]:
    return {"error": message}


def torchserve(status: int, kind: str, message: str) -> dict[str, Any]:
    return {"code": status, "type": kind, "message": message}


DOWN = "the app does not answer: it is starting or down, try again in a moment"
LARGE = "the request is too large: send at most 10 MB"
FULL = "too many requests at once: try again in a moment"
BODIES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    # address, without an app, with a body that is too large, with an app that has no room
    *(
        (path, standard("unreachable", DOWN), standard("payload_too_large", LARGE), standard("overloaded", FULL))
        for path in ("/predict", "/hfx", "/predictionsx", "/x/hf", "/v2x", "/v1", "/v1/endpoints/1:predict")
    ),
    *(
        (path, one_text(DOWN), one_text(LARGE), one_text(FULL))
        for path in ("/hf", "/hf?x=1", "/hf/tiny", "/hf/microsoft/resnet-50")
    ),
    *(
        (path, one_text(DOWN), one_text(LARGE), one_text(FULL))
        for path in (
            "/v2",
            "/v2/models/microsoft/resnet-50/infer",
            "/v1/models?x=1",
            "/v1/models/tiny:predict",
            "/label-studio/predict",
        )
    ),
    *(
        (
            path,
            torchserve(502, "ServiceUnavailableException", DOWN),
            torchserve(413, "RequestEntityTooLargeException", LARGE),
            torchserve(503, "ServiceUnavailableException", FULL),
        )
        for path in ("/predictions/tiny", "/predictions/tiny/1?x", "/explanations/tiny")
    ),
]


@pytest.fixture(scope="module")
def without_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with nginx_alone(tmp_path_factory.mktemp("down"), "127.0.0.1:1") as url:
        yield url


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("full")


@pytest.fixture(scope="module")
def full(folder: Path) -> Iterator[str]:
    """The app takes one request at a time, and is busy with one."""
    with (
        ThreadPoolExecutor(1) as pool,
        socket.create_server(("127.0.0.1", 0)) as app,
        nginx_alone(folder, f"127.0.0.1:{app.getsockname()[1]}", QUEUE_SIZE=1) as url,
    ):
        sent = pool.submit(requests.post, f"{url}/predict", timeout=60)
        connection, _ = app.accept()
        with connection:
            connection.recv(65536)
            yield url
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert sent.result().status_code == 200


def post(url: str, data: bytes = b"x") -> requests.Response:
    return requests.post(url, data=data, headers={"X-Request-ID": "find-me"}, timeout=60)


@pytest.mark.parametrize(("path", "body"), [(path, down) for path, down, _, _ in BODIES])
def test_app_that_is_down_returns_502_in_the_shape_of_the_protocol(
    without_app: str, path: str, body: dict[str, Any]
) -> None:
    response = post(without_app + path)
    assert (response.status_code, response.json()) == (502, body)
    assert response.headers["Content-Type"] == "application/json"
    assert (response.headers["X-Request-ID"], response.headers["Retry-After"]) == ("find-me", "2")


@pytest.mark.parametrize(("path", "body"), [(path, large) for path, _, large, _ in BODIES])
def test_request_that_is_too_large_returns_413_in_the_shape_of_the_protocol(
    without_app: str, path: str, body: dict[str, Any]
) -> None:
    response = post(without_app + path, TOO_LARGE)
    assert (response.status_code, response.json()) == (413, body)


@pytest.mark.parametrize(("path", "body"), [(path, full) for path, _, _, full in BODIES])
def test_full_app_returns_503_or_429_for_hugging_face(full: str, path: str, body: dict[str, Any]) -> None:
    response = post(full + path)
    of_hugging_face = path.startswith("/hf") and set(body) == {"error"}
    assert (response.status_code, response.json()) == (429 if of_hugging_face else 503, body)
    assert response.headers["Retry-After"] == "1"


def test_refused_requests_of_hugging_face_are_logged_one_in_a_hundred(full: str, folder: Path) -> None:
    """A flood of them must not fill the disk."""
    with requests.Session() as session:
        for _ in range(300):
            assert session.post(f"{full}/hf/flood", data=b"x", timeout=60).status_code == 429
        session.post(f"{full}/hf/last", data=TOO_LARGE, timeout=60)
    log = folder / "log"
    until(lambda: "/hf/last" in log.read_text())
    assert log.read_text().count("/hf/flood") < 50
