"""Teaching a live service: a model of photos goes live without a lost request, and what runs ends with the service."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import requests
from PIL import Image

from my_inference_app.bundles.bundle import Bundle
from tests.images import encode, plain_image
from tests.live.clients import asking
from tests.live.service import Service, Start, environment, gunicorn_of, running, until
from tests.live.test_openapi import CHECKS

SHADES = {"warm": np.array((250, 40, 20)), "cold": np.array((10, 40, 250)), "mint": np.array((20, 250, 60))}


def photos(label: str, count: int = 4) -> list[bytes]:
    """Of one colour, each with a pattern of its own: nearly equal photos count as one."""
    found = []
    for number in range(count):
        light = np.random.default_rng([number, *label.encode()]).uniform(0.3, 1.0, (6, 8, 1))
        found.append(encode(Image.fromarray((SHADES[label] * light).astype(np.uint8)).resize((64, 48))))
    return found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("taught")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, colours: Bundle, store: Path) -> Iterator[Service]:
    log = tmp_path_factory.mktemp("teach") / "service.log"
    with running(log, BUNDLE=colours.path, MODELS_DIR=store, TEACH=1, WORKERS=2) as started:
        started.wait_for_workers(2)
        yield started


def ask(service: Service, method: str, path: str, status: int = 200, **options: Any) -> Any:
    response = requests.request(method, service.url + path, timeout=60, **options)
    assert response.status_code == status, response.text
    return response.json()


def send(service: Service, name: str, *labels: str) -> None:
    for label in labels:
        files = [("image", (f"{number}.png", data)) for number, data in enumerate(photos(label))]
        assert ask(service, "PUT", f"/teach/{name}/{label}", files=files)["classes"][label] == len(files)


def teach(service: Service, name: str, query: str = "") -> Any:
    assert ask(service, "POST", f"/teach/{name}{query}", 202)["state"] == "waiting"
    until(lambda: ask(service, "GET", f"/teach/{name}")["state"] in ("done", "failed"), 120)
    return ask(service, "GET", f"/teach/{name}")


def load(service: Service) -> AbstractContextManager[Counter[tuple[int, str]]]:
    """Clients that leave the machine room for teaching."""

    def ask_it() -> tuple[int, str]:
        response = requests.post(f"{service.url}/predict", data=plain_image("green"), timeout=60)
        return response.status_code, response.json().get("model", "")

    return asking([ask_it] * 3, pause=0.1)


def test_taught_model_goes_live_without_a_lost_request(service: Service, store: Path) -> None:
    send(service, "moods", "warm", "cold")
    estimated = teach(service, "moods", "?estimate=1")
    assert estimated["error"] is None and estimated["served"] is None
    assert 0 <= estimated["last_estimate"]["accuracy"] <= 1
    with load(service) as seen:
        found = teach(service, "moods")
        assert (found["state"], found["error"]) == ("done", None)
        # All workers have it, whichever answers.
        for label in ("warm", "cold") * 5:
            answer = ask(service, "POST", "/predict/moods", data=photos(label)[1])
            assert answer["predictions"][0]["label"] == label
    assert set(seen) == {(200, "colours")}
    assert found["served"] == found["report"]["version"] == "1"
    assert "bundle" not in found["report"] and str(store) not in str(found)
    assert found["classes"] == {}, "without TEACH_STORE the photos are gone"
    assert list(store.glob(".teach-cache/*/*")) == [], "and what was computed of them"


def test_next_version_takes_the_place_of_the_last(service: Service, store: Path) -> None:
    send(service, "moods", "warm", "cold", "mint")
    assert teach(service, "moods")["served"] == "2"
    assert {path.name for path in (store / "moods").iterdir()} == {"1", "2"}
    answer = ask(service, "POST", "/predict/moods", data=photos("mint")[2])
    assert (answer["version"], answer["predictions"][0]["label"]) == ("2", "mint")


def test_failure_of_the_command_is_told_and_harms_nothing(service: Service) -> None:
    ask(service, "PUT", "/teach/broken/a", data=photos("warm")[0])
    send(service, "broken", "cold", "mint")
    assert "'a'" in ask(service, "POST", "/teach/broken", 409)["error"]["message"]
    ask(service, "DELETE", "/teach/broken")
    ask(service, "GET", "/teach/broken", 404)


def test_deleted_model_is_served_no_more(service: Service, store: Path) -> None:
    old = {child.pid for child in gunicorn_of(service).children()}
    ask(service, "DELETE", "/teach/moods")
    assert not (store / "moods").exists()
    until(lambda: not old & {child.pid for child in gunicorn_of(service).children()})
    ask(service, "POST", "/predict/moods", 404, data=photos("warm")[0])
    ask(service, "POST", "/predict", data=photos("warm")[0])


def test_schemathesis_finds_nothing_wrong_with_teaching(service: Service, tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{service.url}/openapi.json"),
        *("--include-path-regex", "^/(teach|label-studio/.*webhook)", "--checks", CHECKS),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--seed", "1", "--request-timeout", "60"),
        *("--report", "ndjson", "--report-dir", str(tmp_path), "--no-color"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def test_what_runs_ends_with_the_service(start: Start, colours: Bundle, tmp_path: Path) -> None:
    """Also if it is killed. With TEACH_STORE the photos are there after the next start."""
    settings = {"BUNDLE": colours.path, "MODELS_DIR": tmp_path / "models", "TEACH": 1, "TEACH_STORE": tmp_path / "kept"}
    service = start(WORKERS=1, **settings)
    send(service, "moods", "warm", "cold")
    ask(service, "POST", "/teach/moods", 202)
    (teaching,) = until(lambda: _that_teach(service))
    until(lambda: teaching.nice() == 19)
    assert service.stop() == 0
    until(lambda: not _runs(teaching))
    service = start(WORKERS=1, **settings)
    until(lambda: ask(service, "GET", "/teach/moods")["state"] == "failed")
    found = ask(service, "GET", "/teach/moods")
    assert (found["classes"], found["error"]) == ({"cold": 4, "warm": 4}, "the service was stopped: start it again")
    assert teach(service, "moods")["served"] == "1"
    assert ask(service, "GET", "/teach/moods")["classes"] == {"cold": 4, "warm": 4}


def _that_teach(service: Service) -> list[psutil.Process]:
    descendants = psutil.Process(service.process.pid).children(recursive=True)
    return [process for process in descendants if _runs(process, "my_inference_app.teach")]


def _runs(process: psutil.Process, program: str = "") -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and program in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def test_start_without_the_packages_says_what_to_install(colours: Bundle) -> None:
    program = "import sys; sys.modules['sklearn'] = None; from my_inference_app.run import main; main(['--no-nginx'])"
    variables = environment(TEACH=1, BUNDLE=colours.path, APP_PORT=18_431, MANAGEMENT_PORT=18_432)
    done = subprocess.run([sys.executable, "-c", program], env=variables, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: TEACH=1 needs scikit-learn: install it with `pip install -r requirements/teach.txt`, "
        "or use `make run`\n"
    )
