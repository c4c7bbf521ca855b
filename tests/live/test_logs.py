"""The log of the real service: one format for the app, gunicorn and nginx, and nothing secret in it."""

from __future__ import annotations

import json
from typing import Any

import requests

from tests.images import plain_image
from tests.live import raw
from tests.live.service import Service, Start, until

HEADERS = {"Authorization": "Bearer SECRET-KEY", "Cookie": "SECRET-COOKIE"}


def lines_of(service: Service) -> list[dict[str, Any]]:
    return [json.loads(line) for line in service.log.splitlines() if line.startswith("{")]


def test_log_is_json_of_every_server_without_secrets(start: Start) -> None:
    service = start(API_KEYS="SECRET-KEY", LOG_LEVEL="debug", WORKERS=1)
    files = {"image": ("SECRET-NAME.png", plain_image())}
    for path in ("/predict?url=http://x/?SECRET", "/predict?model=SECRET", "/?SECRET", "/nothing?SECRET"):
        requests.post(service.url + path, files=files, headers=HEADERS, timeout=60)
        requests.post(service.url + path, data=b"SECRET-BYTES", headers={"X-API-Key": "SECRET-GUESS"}, timeout=60)
    raw.send(service.url, b"GET /\xff?SECRET HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    until(lambda: sum(line["logger"] == "nginx" for line in lines_of(service)) == 9)
    assert service.stop() == 0
    lines = lines_of(service)
    assert {"access", "nginx", "gunicorn.error"} <= {line["logger"] for line in lines}
    assert all({"time", "level", "message"} <= line.keys() for line in lines)
    assert "SECRET" not in service.log


def test_plain_log_is_text_of_every_server(start: Start) -> None:
    service = start(LOG_FORMAT="plain", WORKERS=1)
    requests.get(f"{service.url}/nothing", headers={"X-Request-ID": "mine"}, timeout=60)
    service.wait_for('"GET /nothing HTTP/1.1" 404')
    assert "INFO access GET /nothing 404 id=mine route=unknown" in service.log
    assert "INFO gunicorn.error Listening at" in service.log
    assert lines_of(service) == []
