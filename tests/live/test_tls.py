"""HTTPS: the same service on TLS_PORT, and redirects to it."""

from __future__ import annotations

import re
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
import requests

from benchmarks.ports import free_port
from my_inference_app.bundles.bundle import Bundle
from tests import certificates
from tests.images import plain_image
from tests.live.service import REPOSITORY, Service, environment, listens, nginx_alone, running, until
from tests.live.test_life import failing

GREEN = plain_image("green")
HSTS = "Strict-Transport-Security"


class Secure(NamedTuple):
    service: Service
    url: str
    certificate: Path


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, tiny: Bundle) -> Iterator[Secure]:
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = certificates.make(folder)
    port = free_port()
    settings = {"TLS_CERT": certificate, "TLS_KEY": key, "TLS_PORT": port, "TLS_HSTS": 31536000, "MAX_UPLOAD_MB": 1}
    with running(folder / "log", BUNDLE=tiny.path, **settings) as service:
        yield Secure(service, f"https://127.0.0.1:{port}", certificate)


def curl(*arguments: str) -> str:
    command = ["curl", "--silent", "--show-error", "--max-time", "60", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def shown_certificate(port: int) -> str:
    return ssl.get_server_certificate(("127.0.0.1", port))


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def test_prediction_over_https(secure: Secure) -> None:
    response = requests.post(f"{secure.url}/predict", data=GREEN, verify=str(secure.certificate), timeout=60)
    assert response.json()["predictions"][0]["label"] == "green"
    assert response.headers[HSTS] == "max-age=31536000"


def test_prediction_over_http2(secure: Secure) -> None:
    host = f"{certificates.NAME}:{port_of(secure.url)}"
    said = curl(
        *["--http2", "--cacert", str(secure.certificate), "--connect-to", f"{host}:127.0.0.1:{port_of(secure.url)}"],
        *["-F", f"image=@{REPOSITORY}/post_request/cat.jpg", "-w", "\n%{http_version} %{http_code}"],
        f"https://{host}/predict",
    )
    assert '"success":true' in said
    assert said.endswith("\n2 200")


def test_log_shows_the_version_of_http(secure: Secure) -> None:
    curl("--http2", "--cacert", str(secure.certificate), secure.url + "/nowhere")
    secure.service.wait_for("GET /nowhere HTTP/2.0 404")


def test_announcement_names_the_https_address(secure: Secure) -> None:
    port = port_of(secure.url)
    assert f"on https://localhost:{port}\n" in secure.service.log
    assert f"curl -F image=@post_request/cat.jpg --insecure https://localhost:{port}/predict" in secure.service.log


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/predict?top_k=1"), ("POST", "/healthz")])
def test_plain_http_is_redirected(secure: Secure, method: str, path: str) -> None:
    response = requests.request(method, secure.service.url + path, data=b"x", allow_redirects=False, timeout=60)
    assert (response.status_code, response.headers["Location"]) == (308, secure.url + path)
    assert HSTS not in response.headers


def test_redirected_upload_arrives(secure: Secure) -> None:
    response = requests.post(f"{secure.service.url}/predict", data=GREEN, verify=str(secure.certificate), timeout=60)
    assert response.json()["predictions"][0]["label"] == "green"
    assert response.url.startswith(secure.url)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_checks_work_without_tls(secure: Secure, path: str) -> None:
    response = requests.get(secure.service.url + path, allow_redirects=False, timeout=60)
    assert (response.status_code, HSTS in response.headers) == (200, False)
    assert HSTS in requests.get(secure.url + path, verify=str(secure.certificate), timeout=60).headers


def test_plain_http_on_the_https_port_is_redirected(secure: Secure) -> None:
    response = requests.get(f"http://127.0.0.1:{port_of(secure.url)}/x", allow_redirects=False, timeout=60)
    assert (response.status_code, response.headers["Location"]) == (308, f"{secure.url}/x")


def test_malformed_plain_request_gets_the_standard_error(secure: Secure) -> None:
    for host in ("a b", "<x>"):
        with socket.create_connection(("127.0.0.1", port_of(secure.service.url)), timeout=60) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            with connection.makefile("rb") as answer:
                received = answer.read()
        assert received.startswith(b"HTTP/1.1 400 "), host
        assert b'"code":"bad_request"' in received


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_error_of_nginx_is_the_same_over_https(secure: Secure, version: str, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(2_000_000))
    said = curl(
        *[version, "--cacert", str(secure.certificate), "--data-binary", f"@{large}", "--dump-header", "-"],
        *["-H", "X-Request-ID: my-id", f"{secure.url}/predict"],
    )
    assert re.match(r"HTTP/(1\.1|2) 413", said)
    assert '"code":"payload_too_large"' in said
    assert said.rstrip().endswith('"request_id":"my-id"}')
    assert f"{HSTS}: max-age=31536000".lower() in said.lower()


def test_browser_gets_the_error_page_over_http2(secure: Secure, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(2_000_000))
    said = curl(
        *["--http2", "--cacert", str(secure.certificate), "--data-binary", f"@{large}", "-H", "Accept: text/html"],
        *["-w", "%{http_code}", f"{secure.url}/"],
    )
    assert "the request is too large: send at most 1 MB" in said
    assert said.endswith("</html>\n413")


@pytest.mark.parametrize(
    "options",
    [["-tls1"], ["-tls1_1"], ["-tls1_2", "-cipher", "AES128-SHA"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"]],
    ids=" ".join,
)
def test_old_protocol_is_refused(secure: Secure, options: list[str]) -> None:
    assert shaken_hands(secure, *options).returncode != 0


@pytest.mark.parametrize("options", [["-tls1_2"], ["-tls1_3"]], ids=" ".join)
def test_modern_protocol_is_accepted(secure: Secure, options: list[str]) -> None:
    assert shaken_hands(secure, *options).returncode == 0


def shaken_hands(secure: Secure, *options: str) -> subprocess.CompletedProcess[bytes]:
    # The lowest level lets the client offer even what it would refuse itself.
    lowest = [] if "-cipher" in options else ["-cipher", "DEFAULT@SECLEVEL=0"]
    address = f"127.0.0.1:{port_of(secure.url)}"
    return subprocess.run(
        ["openssl", "s_client", "-connect", address, "-CAfile", str(secure.certificate), *options, *lowest],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )


def test_reload_takes_the_new_certificate_and_refuses_a_bad_one(tiny: Bundle, tmp_path: Path) -> None:
    (folder := tmp_path / "tls").mkdir()
    certificate, key = certificates.make(folder)
    port = free_port()
    tls = {"TLS_CERT": certificate, "TLS_KEY": key, "TLS_PORT": port}
    with running(tmp_path / "log", BUNDLE=tiny.path, **tls) as service:
        first = certificate.read_text()
        assert shown_certificate(port) == first
        certificates.make(folder)
        service.process.send_signal(signal.SIGHUP)
        until(lambda: shown_certificate(port) == certificate.read_text() != first)
        renewed = tmp_path / "renewed.pem"
        renewed.write_text(certificate.read_text())
        certificates.make_expired(folder)
        service.process.send_signal(signal.SIGHUP)
        service.wait_for(f"error: TLS_CERT='{certificate}' cannot be used: certificate has expired\n")
        service.wait_for("nginx keeps the certificate that it has\n")
        response = requests.post(f"https://127.0.0.1:{port}/predict", data=GREEN, verify=str(renewed), timeout=60)
        assert response.json()["predictions"][0]["label"] == "green"


def test_start_with_a_bad_pair_says_one_line(tmp_path: Path, tiny: Bundle) -> None:
    (other := tmp_path / "other").mkdir()
    certificate, key = certificates.make(tmp_path)[0], certificates.make(other)[1]
    said = failing(BUNDLE=tiny.path, TLS_CERT=certificate, TLS_KEY=key, TLS_PORT=free_port())
    assert said == f"error: TLS_CERT='{certificate}' and TLS_KEY='{key}' do not work: key values mismatch\n"


def test_taken_tls_port_is_named(tmp_path: Path, tiny: Bundle) -> None:
    certificate, key = certificates.make(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = failing(BUNDLE=tiny.path, TLS_CERT=certificate, TLS_KEY=key, TLS_PORT=port)
    assert f"make run TLS_PORT={port + 10}" in said
    assert said.count("\n") == 1


def test_redirect_names_the_public_port(tmp_path: Path) -> None:
    certificate, key = certificates.make(tmp_path)
    tls = {"TLS_CERT": certificate, "TLS_KEY": key, "TLS_PORT": free_port()}
    for public, expected in ((443, "https://service.test/x"), (8443, "https://service.test:8443/x")):
        with nginx_alone(tmp_path, "127.0.0.1:1", TLS_PUBLIC_PORT=public, **tls) as url:
            response = requests.get(f"{url}/x", headers={"Host": "service.test:80"}, allow_redirects=False, timeout=60)
        assert response.headers["Location"] == expected


def test_hangup_of_nginx_alone_takes_the_new_certificate(tmp_path: Path) -> None:
    certificate, key = certificates.make(tmp_path)
    port = free_port()
    with nginx_alone(tmp_path, "127.0.0.1:1", TLS_CERT=certificate, TLS_KEY=key, TLS_PORT=port):
        until(lambda: listens(port))
        assert shown_certificate(port) == certificate.read_text()
        certificates.make(tmp_path)
        psutil.Process(int((tmp_path / "nginx.pid").read_text())).send_signal(signal.SIGHUP)
        until(lambda: shown_certificate(port) == certificate.read_text())


def test_header_for_browsers_is_off_by_default(tmp_path: Path) -> None:
    certificate, key = certificates.make(tmp_path)
    port = free_port()
    with nginx_alone(tmp_path, "127.0.0.1:1", TLS_CERT=certificate, TLS_KEY=key, TLS_PORT=port):
        response = requests.get(f"https://127.0.0.1:{port}/x", verify=str(certificate), timeout=60)
    assert HSTS not in response.headers


def refusal_of_nginx(folder: Path, **settings: object) -> str:
    """What start.sh says in the container, where run.py does not check first."""
    done = subprocess.run(
        ["nginx/start.sh"],
        env=environment(NGINX_PREFIX=folder / "nginx", PORT=free_port(), UPSTREAM="127.0.0.1:1", **settings),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    return line


def test_nginx_alone_refuses_a_bad_pair_in_one_line(tmp_path: Path) -> None:
    (other := tmp_path / "other").mkdir()
    certificate, key = certificates.make(tmp_path)[0], certificates.make(other)[1]
    tls = {"TLS_CERT": certificate, "TLS_KEY": key, "TLS_PORT": free_port()}
    assert "key values mismatch" in refusal_of_nginx(tmp_path, **tls)
    assert refusal_of_nginx(tmp_path, **{**tls, "TLS_KEY": ""}) == "error: TLS_CERT is set and TLS_KEY is not"
    assert refusal_of_nginx(tmp_path, **{**tls, "TLS_CERT": ""}) == "error: TLS_KEY is set and TLS_CERT is not"
    assert refusal_of_nginx(tmp_path, **{**tls, "TLS_KEY": "/nowhere"}) == "error: TLS_KEY=/nowhere cannot be read"
    assert refusal_of_nginx(tmp_path, **{**tls, "TLS_KEY": "key"}) == "error: TLS_KEY=key is not an absolute path"
    assert (
        refusal_of_nginx(tmp_path, **{**tls, "TLS_HSTS": "1y"}) == "error: TLS_HSTS=1y is not a whole number of seconds"
    )
    assert "no start line" in refusal_of_nginx(tmp_path, **{**tls, "TLS_CERT": REPOSITORY / "LICENSE"})
