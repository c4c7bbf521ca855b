"""Every failure has the standard error body, from the app and from nginx."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import requests

from benchmarks.ports import free_port
from tests.live.service import REPOSITORY, Service, nginx_alone

CAT = REPOSITORY / "post_request" / "cat.jpg"
LARGE = b"\xff" * (10 * 1024 * 1024 + 1)

FAILURES: dict[str, tuple[str, str, dict[str, Any], int, str]] = {
    "unknown path": ("GET", "/nothing", {}, 404, "not_found"),
    "wrong method": ("GET", "/predict", {}, 405, "method_not_allowed"),
    "no image": ("POST", "/predict", {}, 400, "no_image"),
    "text field": ("POST", "/predict", {"files": {"image": (None, "cat.jpg")}}, 400, "no_image"),
    "top_k": ("POST", "/predict?top_k=0", {"data": b"x"}, 400, "bad_request"),
    "bad base64": ("POST", "/predict", {"json": {"image": "*"}}, 400, "bad_request"),
    "too large": ("POST", "/predict", {"data": LARGE}, 413, "payload_too_large"),
    "too large, chunked": ("POST", "/predict", {"data": iter([LARGE])}, 413, "payload_too_large"),
    "unknown format": ("POST", "/predict", {"data": b"%PDF-1.7" * 9}, 415, "unsupported_format"),
    "half an image": ("POST", "/predict", {"data": CAT.read_bytes()[:9000]}, 422, "image_undecodable"),
}


def assert_error(response: requests.Response, status: int, code: str) -> None:
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    body = response.json()
    assert set(body) == {"success", "error", "request_id"}
    assert body["success"] is False
    assert set(body["error"]) == {"code", "message"}
    assert body["error"]["code"] == code
    assert body["error"]["message"]
    assert response.headers["X-Request-ID"] == body["request_id"]
    assert response.headers.get("Server") in (None, "nginx", "gunicorn"), "the server tells its version"


@pytest.mark.parametrize("name", FAILURES)
def test_failure_through_nginx_has_the_standard_body(service: Service, name: str) -> None:
    method, path, body, status, code = FAILURES[name]
    assert_error(requests.request(method, service.url + path, timeout=60, **body), status, code)


@pytest.mark.parametrize("name", [name for name in FAILURES if not name.startswith("too large")])
def test_failure_at_gunicorn_has_the_standard_body(service: Service, name: str) -> None:
    method, path, body, status, code = FAILURES[name]
    assert_error(requests.request(method, service.app_url + path, timeout=60, **body), status, code)


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/healthz", 405), ("/predict?top_k=x", 400)])
def test_large_refused_request_is_read_to_its_end(service: Service, path: str, status: int) -> None:
    """nginx takes a response that arrives before the end of its request for a broken connection."""
    codes = [requests.post(service.url + path, data=LARGE[:-2], timeout=60).status_code for _ in range(10)]
    assert codes == [status] * len(codes)


def test_malformed_http_returns_400(service: Service) -> None:
    port = int(service.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"code":"bad_request"' in answer


def test_app_that_is_down_returns_502(tmp_path: Path) -> None:
    with nginx_alone(tmp_path, f"127.0.0.1:{free_port()}") as url:
        response = requests.post(f"{url}/predict", data=b"x", headers={"X-Request-ID": 'bad id"}'}, timeout=30)
    assert_error(response, 502, "unreachable")
    assert response.headers["Retry-After"] == "2"


def test_app_that_does_not_answer_returns_504(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        upstream = f"127.0.0.1:{silent.getsockname()[1]}"
        # A request may take REQUEST_TIMEOUT and 5 seconds more.
        with nginx_alone(tmp_path, upstream, REQUEST_TIMEOUT=-4) as url:
            assert_error(requests.post(f"{url}/predict", data=b"x", timeout=30), 504, "timeout")


def test_static_files_are_served_by_nginx(service: Service) -> None:
    response = requests.get(f"{service.url}/static/style.css", timeout=30)
    assert response.text == (REPOSITORY / "my_inference_app" / "static" / "style.css").read_text()
    assert response.headers["Content-Type"] == "text/css"
    assert "X-Request-ID" not in response.headers, "the app answered"
    for path in ("none.css", "", "../static/"):
        assert_error(requests.get(f"{service.url}/static/{path}", timeout=30), 404, "not_found")
