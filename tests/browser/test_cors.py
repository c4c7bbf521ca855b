"""A page of another origin uses the API, in a real Chromium that enforces CORS."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from my_inference_app.bundles.bundle import Bundle
from tests.browser.chromium import chromium
from tests.images import plain_image
from tests.live.service import Service, running

# The header with the key makes the browser send a preflight request first.
POST = """
const [url, data, done] = arguments;
const image = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
const form = new FormData();
form.append("image", new Blob([image]), "image.png");
fetch(url, {method: "POST", headers: {"X-API-Key": "key"}, body: form})
    .then(async (answer) => done({status: answer.status, id: answer.headers.get("X-Request-ID"),
                                  body: await answer.json()}))
    .catch((error) => done({refused: error.name}));
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[list[str]]:
    """The same empty page at two origins."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>another site</title>")
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) for _ in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever).start()
    try:
        yield [f"http://127.0.0.1:{server.server_port}" for server in servers]
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def service(tmp_path: Path, tiny: Bundle, pages: list[str]) -> Iterator[Service]:
    with running(tmp_path / "log", BUNDLE=tiny.path, CORS_ORIGINS=pages[0], API_KEYS="key", MAX_UPLOAD_MB=1) as started:
        yield started


def post(browser: webdriver.Chrome, url: str, data: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = browser.execute_async_script(POST, f"{url}/predict", base64.b64encode(data).decode())
    return answer


def test_permitted_page_uses_the_api_and_other_page_does_not(
    tmp_path: Path, pages: list[str], service: Service
) -> None:
    with chromium(tmp_path / "profile") as browser:
        browser.get(pages[0])
        answer = post(browser, service.url, plain_image("blue"))
        assert answer["status"] == 200
        assert answer["body"]["predictions"][0]["label"] == "blue"
        assert answer["id"] == answer["body"]["request_id"]
        refused = post(browser, service.url, b"not an image")
        assert (refused["status"], refused["body"]["error"]["code"]) == (415, "unsupported_format")
        too_large = post(browser, service.url, bytes(1024 * 1024 + 1))
        assert (too_large["status"], too_large["body"]["error"]["code"]) == (413, "payload_too_large")
        browser.get(pages[1])
        assert post(browser, service.url, plain_image("blue")) == {"refused": "TypeError"}
