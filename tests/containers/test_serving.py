"""Both containers as docker-compose.yml starts them: they serve, are confined, and get their settings."""

from __future__ import annotations

import io
import json
import shutil
import signal
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError

import psutil
import pytest
from PIL import ImageCms

from my_inference_app.inference.classifier import Classifier
from my_inference_app.inference.registry import load
from my_inference_app.settings import Settings
from tests.containers import compose
from tests.containers.buildah import Buildah
from tests.containers.conftest import Containers, Pair, name_of, predict, start_pair
from tests.containers.runtime import Container
from tests.images import SAMPLES, encode, pattern
from tests.live.service import until

SAMPLE = SAMPLES[0].read_bytes()
PHOTO = pattern(320, 240)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# Every format, and what a format may need of a library: compression, colour spaces and profiles, transparency.
FORMATS = {
    "jpeg": encode(PHOTO, "JPEG"),
    "progressive jpeg": encode(PHOTO, "JPEG", progressive=True),
    "cmyk jpeg": encode(PHOTO.convert("CMYK"), "JPEG"),
    "jpeg with a profile": encode(PHOTO, "JPEG", icc_profile=PROFILE),
    "png": encode(PHOTO, "PNG"),
    "transparent png": encode(PHOTO.convert("RGBA"), "PNG"),
    "16-bit png": encode(PHOTO.convert("L").convert("I;16"), "PNG"),
    "webp": encode(PHOTO, "WEBP"),
    "lossless webp": encode(PHOTO.convert("RGBA"), "WEBP", lossless=True),
    "gif": encode(PHOTO, "GIF"),
    "bmp": encode(PHOTO, "BMP"),
}
# One that is valid and not the default for everything that compose passes on.
GIVEN = {
    "ENGINE": "openvino",
    "PRECISION": "f32",
    "DEVICE": "cpu",
    "WORKERS": "2",
    "WEB_CONCURRENCY": "2",
    "THREADS": "7",
    "COMPUTE_THREADS": "1",
    "MAX_BATCH": "3",
    "BATCH_DELAY_MS": "1",
    "GRACE_TIMEOUT": "9",
    "LOG_LEVEL": "warning",
    "LOG_FORMAT": "json",
    "STORE_POLL": "60",
    "CACHE_MB": "1",
    "REVIEW_DIR": "/tmp/review",  # noqa: S108 - of the container
    "REVIEW_IMAGES": "9",
    "REVIEW_MB": "2",
    "REVIEW_DAYS": "3",
    "REVIEW_PAUSE": "4",
    "QUEUE_SIZE": "99",
    "REQUEST_TIMEOUT": "21",
    "HANG_TIMEOUT": "45",
    "LOAD_TIMEOUT": "20",
    "MAX_UPLOAD_MB": "4",
    "MAX_PIXELS": "1000000",
    "MAX_IMAGES": "5",
    "API_KEYS": "a-key",
    "CORS_ORIGINS": "https://example.com",
    "PREDICT_URLS": "1",
    "URL_TIMEOUT": "3",
    "URL_PORTS": "80",
    "URL_ALLOW": "example.com",
    "LABEL_STUDIO_URL": "http://example.com:8080",
    "LABEL_STUDIO_TOKEN": "a-token",
    "CLIENT_RATE": "50",
    "CLIENT_CONNECTIONS": "20",
    "TRUSTED_PROXIES": "10.0.0.1",
    "TLS_HSTS": "60",
}
# Traces need packages that the usual image has not got.
FILES = {"API_KEYS_FILE", "TLS_CERT", "TLS_KEY", "OTEL_EXPORTER_OTLP_ENDPOINT"}
"""Settings with tests of their own."""


@pytest.fixture(scope="module")
def untrimmed(buildah: Buildah, tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """The image's bundle, in the complete environment of the tests."""
    with buildah.mounted(name_of("my_inference_app")) as root:
        folder = shutil.copytree(root / "bundle", tmp_path_factory.mktemp("bundle") / "bundle")
    return load(Settings(bundle=str(folder))).find()


@pytest.mark.parametrize("format", FORMATS)
def test_image_format_gets_the_same_scores_as_in_a_complete_environment(
    pair: Pair, untrimmed: Classifier, format: str
) -> None:
    answer = untrimmed.classify([FORMATS[format]], time.monotonic() + 60)
    (expected,) = answer.outcomes
    assert not isinstance(expected, Exception)
    found = json.loads(predict(pair.url, FORMATS[format]))["predictions"]
    assert [(item["label"], item["score"]) for item in found] == [(item.label, item.score) for item in expected.top(5)]


def test_page_is_served(pair: Pair) -> None:
    page = urllib.request.Request(f"{pair.url}/", headers={"Accept": "text/html"})
    with urllib.request.urlopen(page) as response:
        assert b"<form" in response.read()
    with urllib.request.urlopen(f"{pair.url}/static/style.css") as response:
        assert response.status == 200


@pytest.mark.parametrize("name", ["app", "nginx"])
def test_health_check_of_the_image_succeeds(pair: Pair, name: str) -> None:
    assert getattr(pair, name).healthy


@pytest.mark.parametrize("name", ["app", "nginx"])
def test_health_check_fails_without_its_server(pair: Pair, name: str) -> None:
    container: Container = getattr(pair, name)
    kind, script, _, path = container.image["Healthcheck"]["Test"]
    assert kind == "CMD"
    assert container.execute("env", "NOBODY_LISTENS=9", script, "NOBODY_LISTENS", path).returncode == 1
    assert container.execute("env", "PORT=8080", script, "PORT", "/nothing-here").returncode == 1


@pytest.mark.parametrize("name", ["app", "nginx"])
def test_process_has_no_rights(pair: Pair, name: str) -> None:
    container: Container = getattr(pair, name)
    status = dict(line.split(":", 1) for line in Path(f"/proc/{container.pid}/status").read_text().splitlines())
    assert [int(value) for value in status["Uid"].split()] == [int(container.image["User"])] * 4
    assert {status[key].strip() for key in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"].strip() == "1"


@pytest.mark.parametrize("name", ["app", "nginx"])
def test_nothing_is_writable_but_memory(pair: Pair, name: str) -> None:
    container: Container = getattr(pair, name)
    command = "find / -writable -type d -not -path '/proc/*' -not -path '/dev/pts*' 2>/dev/null"
    writable = container.execute("sh", "-c", command).stdout.split()
    assert {path for path in writable if not path.startswith(("/tmp", "/dev/shm"))} == set()  # noqa: S108
    assert container.execute("touch", "/new", user="0").returncode != 0


@pytest.mark.parametrize("name", ["app", "nginx"])
def test_no_network_is_needed(pair: Pair, name: str) -> None:
    """The network of these tests leads nowhere, and the service runs all the same."""
    done = getattr(pair, name).execute("bash", "-c", "exec 3<> /dev/tcp/192.0.2.1/80")
    assert "Network is unreachable" in done.stderr


def test_dead_processes_do_not_pile_up(containers: Containers) -> None:
    app = containers.service("my_inference_app")
    app.wait_until_healthy()
    for _ in range(2):
        worker = workers_of(app)[0]
        worker.kill()
        until(lambda: app.healthy and worker.pid not in {found.pid for found in workers_of(app)})  # noqa: B023
    states = [process.status() for process in psutil.Process(app.pid).children(recursive=True)]
    assert psutil.STATUS_ZOMBIE not in states


@pytest.mark.parametrize("name", ["my_inference_app", "nginx"])
def test_every_setting_of_compose_reaches_the_process(containers: Containers, name: str) -> None:
    pair = start_pair(containers, **GIVEN)
    process = workers_of(pair.app)[0] if name == "my_inference_app" else script_of(pair.nginx)
    passed = set(compose.passed_on(compose.service(name))) - FILES
    assert {key: process.environ().get(key) for key in passed} == {key: GIVEN[key] for key in passed}


def test_keys_come_as_a_secret(containers: Containers, tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    file.write_text("a-secret-key\n")
    pair = start_pair(containers, API_KEYS_FILE=str(file))
    with pytest.raises(HTTPError, match="401"):
        predict(pair.url, SAMPLE)
    assert json.loads(predict(pair.url, SAMPLE, Authorization="Bearer a-secret-key"))["success"]


def test_app_without_the_file_of_keys_does_not_start(containers: Containers, tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    file.write_text("a-secret-key\n")
    file.chmod(0o600)  # of root
    app = containers.service("my_inference_app", API_KEYS_FILE=str(file))
    assert app.process.wait(60) != 0
    assert "Permission denied" in app.log


def test_sigterm_answers_accepted_requests_and_exits_with_0(containers: Containers) -> None:
    pair = start_pair(containers)
    body, kind = form([SAMPLE] * 32)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(predict, pair.url, body, **{"Content-Type": kind})
        until(lambda: "inference_requests_in_flight 1.0" in metrics_of(pair.app))
        assert pair.app.stop() == 0
        assert len(json.loads(answer.result())["results"]) == 32
    assert pair.nginx.stop() == 0


def test_hangup_reloads_the_app(containers: Containers) -> None:
    app = containers.service("my_inference_app")
    app.wait_until_healthy()
    before = {worker.pid for worker in workers_of(app)}
    app.signal(signal.SIGHUP)
    until(lambda: app.healthy and not before & {worker.pid for worker in workers_of(app)})


def test_start_is_measured(containers: Containers) -> None:
    """Prints the times for docs/containers.md. Nothing depends on them."""
    started = time.monotonic()
    app = containers.service("my_inference_app")
    until(lambda: app.healthy)
    ready = time.monotonic() - started
    containers.network.names["my_inference_app"] = [app.address]
    started = time.monotonic()
    nginx = containers.service("nginx")
    until(lambda: nginx.healthy)
    print(f"\nthe app is ready after {ready:.1f} s, nginx after {time.monotonic() - started:.1f} s")


def workers_of(app: Container) -> list[psutil.Process]:
    """gunicorn's workers: grandchildren of the first process."""
    return [worker for master in psutil.Process(app.pid).children() for worker in master.children()]


def script_of(nginx: Container) -> psutil.Process:
    """The part of start.sh that follows the app's addresses: nginx overwrites its own environment."""
    return next(child for child in psutil.Process(nginx.pid).children() if child.name() == "start.sh")


def metrics_of(app: Container) -> str:
    with urllib.request.urlopen(f"http://{app.address}:8001/metrics") as response:
        text: str = response.read().decode()
        return text


def form(images: list[bytes]) -> tuple[bytes, str]:
    body = io.BytesIO()
    for image in images:
        body.write(b'--b\r\nContent-Disposition: form-data; name="image"; filename="x"\r\n\r\n' + image + b"\r\n")
    body.write(b"--b--\r\n")
    return body.getvalue(), "multipart/form-data; boundary=b"
