"""The lines of the log, in both formats."""

from __future__ import annotations

import json
import logging
import logging.config
import re
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from my_inference_app import logs
from my_inference_app.errors import ImageUndecodable
from my_inference_app.settings import Settings
from tests.conftest import FakeClassifier, client_of, form
from tests.images import plain_image

Lines = Callable[[], list[str]]


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Lines]]:
    """Configures the log, and puts it back afterwards."""
    root, handlers, level = logging.root, list(logging.root.handlers), logging.root.level

    def configure(stream: StringIO, **settings: Any) -> Lines:
        monkeypatch.setattr(sys, "stderr", stream)
        logging.config.dictConfig(logs.configuration(Settings(**settings)))
        return lambda: stream.getvalue().splitlines()

    yield configure
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("PIL").setLevel(logging.NOTSET)


def access_line(client: FlaskClient, lines: Lines, path: str = "/predict", **options: Any) -> dict[str, Any]:
    client.post(path, **{"data": plain_image(), **options})
    found: dict[str, Any] = json.loads(lines()[-1])
    return found


def test_request_is_one_json_object(client: FlaskClient, log: Callable[..., Lines]) -> None:
    lines = log(StringIO())
    image = plain_image()
    line = access_line(client, lines, "/predict?top_k=2", data=image, headers={"X-Request-ID": "mine"})
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00", line.pop("time"))
    assert line.pop("ms") >= 0 and line.pop("process") > 0 and line.pop("bytes_out") > 100
    assert line == {
        "level": "INFO",
        "logger": "access",
        "message": "POST /predict 200",
        "id": "mine",
        "method": "POST",
        "path": "/predict",
        "route": "/predict",
        "status": 200,
        "model": "fake",
        "version": "1",
        "images": 1,
        "batch": 0,
        "wait_ms": 0,
        "decode_ms": 1.5,
        "queue_ms": 0,
        "infer_ms": 20.12,
        "bytes_in": len(image),
        "client": "127.0.0.1",
    }


def test_failed_request_has_the_error_code(client: FlaskClient, log: Callable[..., Lines]) -> None:
    line = access_line(client, log(StringIO()), data=b"")
    assert (line["status"], line["code"], line["model"]) == (400, "no_image", "fake")
    assert "images" not in line and "infer_ms" not in line


def test_client_is_the_address_that_nginx_appended(client: FlaskClient, log: Callable[..., Lines]) -> None:
    lines = log(StringIO())
    for forwarded, client_address in {
        "1.1.1.1, 2001:db8::1": "2001:db8::1",
        "10.1.2.3": "10.1.2.3",
        'x", "admin": "yes': "127.0.0.1",
        "fe80::1%eth0 id=forged": "fe80::1",
    }.items():
        assert access_line(client, lines, headers={"X-Forwarded-For": forwarded})["client"] == client_address


@pytest.mark.parametrize("stream", [StringIO, Terminal])
@pytest.mark.parametrize("chosen", ["auto", "json", "plain"])
def test_format_is_plain_on_a_terminal_unless_chosen(
    log: Callable[..., Lines], chosen: str, stream: type[StringIO]
) -> None:
    lines = log(stream(), log_format=chosen)
    logging.getLogger("some").warning("%d things", 3)
    (line,) = lines()
    if chosen == "json" or (chosen == "auto" and stream is StringIO):
        assert json.loads(line)["message"] == "3 things"
    else:
        assert re.fullmatch(r"[\d-]+ [\d:,]+ WARNING some 3 things", line)


def test_plain_line_has_the_same_fields(client: FlaskClient, log: Callable[..., Lines]) -> None:
    lines = log(StringIO(), log_format="plain")
    client.post("/predict", data=plain_image(), headers={"X-Request-ID": "mine"})
    (line,) = lines()
    assert " INFO access POST /predict 200 id=mine route=/predict model=fake version=1 ms=" in line
    assert " decode_ms=1.5 queue_ms=0 infer_ms=20.12" in line


def test_exception_is_one_line_of_json(client: FlaskClient, fake: FakeClassifier, log: Callable[..., Lines]) -> None:
    fake.error = RuntimeError("out of\nmemory")
    lines = log(StringIO())
    client.post("/predict", data=plain_image(), headers={"X-Request-ID": "mine"})
    failed, access = (json.loads(line) for line in lines())
    assert (failed["level"], failed["message"]) == ("ERROR", "request mine failed")
    assert "RuntimeError: out of\nmemory" in failed["exception"]
    assert (access["status"], access["code"]) == (500, "internal_error")


@pytest.mark.parametrize(
    "path", ["/x%0aPOST /predict 200 id=forged", "/%1b[2J", "/%e2%80%ae", "/caf%c3%a9%00", "/a b=c"]
)
@pytest.mark.parametrize("chosen", ["json", "plain"])
def test_path_cannot_forge_the_log(client: FlaskClient, log: Callable[..., Lines], path: str, chosen: str) -> None:
    lines = log(StringIO(), log_format=chosen)
    client.get(path)
    (line,) = lines()
    assert line.isascii() and line.isprintable()
    assert " id=forged" not in line and " b=c" not in line


def test_log_has_nothing_of_images_keys_and_queries(fake: FakeClassifier, log: Callable[..., Lines]) -> None:
    lines = log(StringIO(), log_level="debug")
    client = client_of(fake, api_keys=(b"SECRET-KEY",))
    fake.unreadable = {b"SECRET-BYTES": ImageUndecodable("no")}
    for key in ("SECRET-KEY", "SECRET-GUESS"):
        headers = {"Authorization": f"Bearer {key}", "Cookie": "SECRET-COOKIE", "Referer": "http://x/?SECRET-REFERER"}
        for path in ("/predict?url=http://x/?SECRET-URL", "/nothing?SECRET-QUERY", "/?SECRET-QUERY"):
            client.post(path, headers=headers, **form(("image", "SECRET-NAME.jpg", b"SECRET-BYTES")))
            client.post(path, headers=headers, data=b'{"image": "SECRET-BASE64"}', content_type="application/json")
    assert len(lines()) == 12
    assert "SECRET" not in "\n".join(lines())
