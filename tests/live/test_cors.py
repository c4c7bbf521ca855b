"""CORS through nginx: responses of the app and of nginx have each header exactly once."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from benchmarks.ports import free_port
from my_inference_app.bundles.bundle import Bundle
from tests.live.service import REPOSITORY, Service, environment, nginx_alone, running

PAGE = "https://page-with-quite-a-long-name.some-department.example.com:8443"
OTHER = "https://other.example"
CAT = (REPOSITORY / "post_request" / "cat.jpg").read_bytes()
LARGE = bytes(10 * 1024 * 1024 + 1)


@pytest.fixture(scope="module")
def open_service(tmp_path_factory: pytest.TempPathFactory, tiny: Bundle) -> Iterator[Service]:
    log = tmp_path_factory.mktemp("cors") / "service.log"
    with running(log, BUNDLE=tiny.path, CORS_ORIGINS=f"{PAGE}, http://[::1]:3000,{PAGE}", API_KEYS="key") as started:
        yield started


REQUESTS = {
    "an answer": ("POST", "/predict", CAT, 200),
    "an error of the app": ("POST", "/predict", b"x", 415),
    "an error of nginx": ("POST", "/predict", LARGE, 413),
    "a file that is not there": ("GET", "/static/nothing", b"", 404),
}


def headers_of(response: requests.Response, name: str) -> list[str]:
    found: list[str] = response.raw.headers.getlist(name)
    return found


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("origin", [PAGE, "http://[::1]:3000", OTHER, None])
def test_every_response_has_each_cors_header_once(open_service: Service, name: str, origin: str | None) -> None:
    method, path, body, status = REQUESTS[name]
    sent = {"X-API-Key": "key", **({"Origin": origin} if origin else {})}
    response = requests.request(method, open_service.url + path, data=body, headers=sent, timeout=60)
    assert response.status_code == status
    permitted = origin is not None and origin != OTHER
    assert headers_of(response, "Access-Control-Allow-Origin") == ([origin] if permitted else [])
    assert len(headers_of(response, "Access-Control-Expose-Headers")) == permitted
    assert headers_of(response, "Vary") == ["Origin"]
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_preflight_needs_no_key(open_service: Service) -> None:
    asking = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    response = requests.options(f"{open_service.url}/predict", headers=asking, timeout=60)
    assert (response.status_code, response.content) == (204, b"")
    assert headers_of(response, "Access-Control-Allow-Origin") == [PAGE]
    assert "X-API-Key" in response.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize(("setting", "shown"), [("*", ["*"]), ("", []), (PAGE, [PAGE]), (OTHER, [])])
def test_app_that_is_down_has_cors_headers(tmp_path: Path, setting: str, shown: list[str]) -> None:
    with nginx_alone(tmp_path, f"127.0.0.1:{free_port()}", CORS_ORIGINS=setting) as url:
        response = requests.post(f"{url}/predict", data=b"x", headers={"Origin": PAGE}, timeout=60)
    assert response.status_code == 502
    assert headers_of(response, "Access-Control-Allow-Origin") == shown


@pytest.mark.parametrize(
    "value",
    [
        'https://a"; return 200; #',
        "https://a;",
        "https://a}",
        "https://a|e evil",
        "https://a&",
        "https://$host",
        "https://a\\",
        "https://a\nhttps://b",
        "https://a/",
        "example.com",
        "default",
        "*,https://a",
    ],
)
def test_malformed_origin_stops_nginx(tmp_path: Path, value: str) -> None:
    variables = environment(NGINX_PREFIX=tmp_path / "nginx", PORT=free_port(), CORS_ORIGINS=value)
    done = subprocess.run(["nginx/start.sh"], cwd=REPOSITORY, env=variables, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("error: CORS_ORIGINS=")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "nginx").exists()
