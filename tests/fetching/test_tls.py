"""https: the connection goes to an address, and the certificate must belong to the name."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import FakeClassifier, assert_error, client_of
from tests.images import plain_image
from tests.remote import Remote, allowing, http, moved, remote_server

DATA = plain_image()
NAME = "images.test"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and its self-signed certificate in one file."""
    folder = tmp_path_factory.mktemp("tls")
    key, file = folder / "key.pem", folder / "both.pem"
    subprocess.run(
        [
            *["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
            *["-days", "2", "-keyout", str(key), "-out", str(file), "-subj", "/CN=test"],
            *["-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.2"],
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    file.write_text(file.read_text() + key.read_text())
    return file


@pytest.fixture
def names() -> list[str | None]:
    """The server names (SNI) that clients sent."""
    return []


@pytest.fixture
def secure(certificate: Path, names: list[str | None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(socket, "getaddrinfo", _resolve_to_loopback)
    with remote_server({"/cat": http(DATA)}, tls=context) as server:
        yield server


def _resolve_to_loopback(_host: str, port: int, **_: Any) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


def ask(client: FlaskClient, server: Remote, host: str = NAME, path: str = "/cat") -> TestResponse:
    return client.post("/predict", json={"url": f"https://{host}:{server.port}{path}"})


@pytest.fixture
def client(fake: FakeClassifier, secure: Remote) -> FlaskClient:
    return client_of(fake, **allowing(secure, url_timeout=20))


def test_certificate_of_the_name_is_accepted(
    client: FlaskClient, fake: FakeClassifier, secure: Remote, names: list[str | None]
) -> None:
    assert ask(client, secure, NAME.upper()).status_code == 200
    assert (fake.images, names) == ([DATA], [NAME])
    assert f"\r\nHost: {NAME}:{secure.port}\r\n" in secure.heads[0]


@pytest.mark.parametrize("host", ["other.test", f"www.{NAME}", "test", "127.0.0.1"])
def test_certificate_of_another_name_is_refused(client: FlaskClient, secure: Remote, host: str) -> None:
    assert_error(ask(client, secure, host), 422, "fetch_failed")
    assert secure.heads == []


def test_untrusted_certificate_is_refused(
    client: FlaskClient, secure: Remote, names: list[str | None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert_error(ask(client, secure), 422, "fetch_failed")
    assert (names, secure.heads) == ([NAME], [])


def test_server_without_tls_is_refused(fake: FakeClassifier, remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _resolve_to_loopback)
    remote.answers["/"] = http(DATA)
    assert_error(ask(client_of(fake, **allowing(remote, url_timeout=1)), remote), 422, "fetch_failed")


@pytest.mark.parametrize(
    ("start", "end", "status"), [("http", "https", 200), ("https", "http", 422), ("https", "https", 200)]
)
def test_redirect_may_lead_to_https_but_not_from_it(
    fake: FakeClassifier, secure: Remote, remote: Remote, start: str, end: str, status: int
) -> None:
    servers = {"http": remote, "https": secure}
    servers[start].answers["/away"] = moved(f"{end}://{NAME}:{servers[end].port}/cat")
    client = client_of(fake, **allowing(remote, secure, url_timeout=20))
    response = client.post("/predict", json={"url": f"{start}://{NAME}:{servers[start].port}/away"})
    assert response.status_code == status
    assert fake.images == ([DATA] if status == 200 else [])
