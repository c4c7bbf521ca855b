"""Images behind URLs, through nginx and gunicorn."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.live.service import REPOSITORY, Service, Start, until
from tests.remote import Remote, http, remote_server

CAT = (REPOSITORY / "post_request" / "cat.jpg").read_bytes()


@pytest.fixture
def remote() -> Iterator[Remote]:
    with remote_server({"/cat.jpg": http(CAT), "/text": http(b"not an image " * 9)}) as server:
        yield server


def assert_error(response: requests.Response, status: int, code: str) -> None:
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def forms(url: str) -> list[dict[str, Any]]:
    return [{"params": {"url": url}}, {"files": {"url": (None, url)}}, {"data": {"url": url}}, {"json": {"url": url}}]


def test_url_is_refused_by_default(service: Service, remote: Remote) -> None:
    for form in forms(f"{remote.url}/cat.jpg"):
        assert_error(requests.post(f"{service.url}/predict", timeout=60, **form), 400, "urls_disabled")
    assert remote.heads == []


def test_images_are_fetched_from_permitted_hosts_only(start: Start, remote: Remote) -> None:
    settings = {"PREDICT_URLS": 1, "URL_ALLOW": "127.0.0.1", "URL_PORTS": f"80,{remote.port}"}
    service = start(WORKERS=1, http_proxy="http://127.0.0.1:9", **settings)
    uploaded = requests.post(f"{service.url}/predict", data=CAT, timeout=60).json()
    for form in forms(f"{remote.url}/cat.jpg"):
        answer = requests.post(f"{service.url}/predict", timeout=60, **form).json()
        assert answer["predictions"] == uploaded["predictions"]
    assert_error(requests.post(f"{service.url}/predict?url={remote.url}/text", timeout=60), 415, "unsupported_format")
    refused = ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.2/", "http://[::1]/", "http://me:pass@x/"]
    for url in refused:
        for form in forms(url):
            assert_error(requests.post(f"{service.url}/predict", timeout=60, **form), 422, "fetch_failed")
    until(lambda: service.log.count("was not fetched") == 4 * len(refused))
    assert "169.254.169.254 is not a public address" in service.log
    assert "pass@" not in service.log and "pass%40" not in service.log and "meta-data" not in service.log
    service.wait_for("POST /predict?... 422")
    assert "POST /predict HTTP/1.1 422" in service.log


def test_slow_remote_servers_do_not_block_uploads(start: Start, remote: Remote) -> None:
    remote.answers["/silent"] = remote.silence
    settings = {"PREDICT_URLS": 1, "URL_ALLOW": "127.0.0.1", "URL_PORTS": remote.port, "URL_TIMEOUT": 60}
    service = start(WORKERS=1, THREADS=8, REQUEST_TIMEOUT=60, HANG_TIMEOUT=120, **settings)

    def fetch(_: int) -> requests.Response:
        return requests.post(f"{service.url}/predict?url={remote.url}/silent", timeout=120)

    with ThreadPoolExecutor(10) as pool:
        sent = [pool.submit(fetch, number) for number in range(10)]
        try:
            until(lambda: sum(future.done() for future in sent) == 8)
            status = requests.post(f"{service.url}/predict", data=CAT, timeout=60).status_code
        finally:
            remote.stopped.set()
        codes = sorted(future.result().json()["error"]["code"] for future in sent)
    assert status == 200
    assert codes == ["fetch_failed"] * 2 + ["overloaded"] * 8
    assert remote.paths == ["/silent"] * 2


def test_bad_url_setting_stops_the_start(start: Start) -> None:
    for name, value in (("PREDICT_URLS", "maybe"), ("URL_PORTS", "http"), ("URL_ALLOW", "10.0.0.1/8")):
        with pytest.raises(AssertionError, match=f"error: {name}='{value}'"):
            start("--no-nginx", **{name: value})
