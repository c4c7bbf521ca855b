"""A reload takes over a good bundle without losing a request, and leaves the service alone for a broken one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import psutil
import pytest
import requests

from benchmarks.ports import free_port
from my_inference_app.bundles.bundle import Bundle
from tests.images import plain_image
from tests.live.breakages import BREAKAGES, copy
from tests.live.clients import asking
from tests.live.gated import port_of
from tests.live.service import Service, Start, environment, gunicorn_of, until

REFUSED = "not reloaded, the workers go on with what they have"
CANNOT = "this worker cannot start"
Answer = tuple[int, str, str]


def ask(service: Service) -> Answer:
    response = requests.post(f"{service.url}/predict", data=plain_image("green"), timeout=60)
    body = response.json()
    return response.status_code, body.get("model", ""), body.get("predictions", [{"label": ""}])[0]["label"]


OLD = (200, "tiny", "green")
NEW = (200, "second", "verde")


@pytest.fixture
def place(tiny: Bundle, tmp_path: Path) -> Path:
    return copy(tiny, tmp_path / "bundles" / "served").path


def renew(tiny: Bundle, place: Path) -> None:
    copy(tiny, place, name="second", labels=("rojo", "verde", "azul"))


def load(service: Service) -> AbstractContextManager[Counter[Answer]]:
    """Eight clients."""
    return asking([partial(ask, service)] * 8)


def refused(service: Service, times: int) -> bool:
    return service.log.count(REFUSED) == times


def reload(service: Service) -> None:
    service.process.send_signal(signal.SIGHUP)


def workers_of(gunicorn: psutil.Process) -> set[int]:
    return {child.pid for child in gunicorn.children()}


def test_reload_serves_the_new_bundle_and_loses_no_request(start: Start, tiny: Bundle, place: Path) -> None:
    service = start(BUNDLE=place, WORKERS=2)
    service.wait_for_workers(2)
    gunicorn = gunicorn_of(service)
    old = workers_of(gunicorn)
    with load(service) as seen:
        until(lambda: seen[OLD] >= 20)
        renew(tiny, place)
        reload(service)
        until(lambda: not old & workers_of(gunicorn))
        before = seen[NEW]
        until(lambda: seen[NEW] >= before + 20)
    assert set(seen) == {OLD, NEW}
    assert {ask(service) for _ in range(20)} == {NEW}
    assert REFUSED not in service.log


def test_reload_with_a_broken_bundle_changes_nothing(start: Start, tiny: Bundle, place: Path) -> None:
    """Two one after the other, in the same service, under load. Then a good bundle is taken over."""
    service = start(BUNDLE=place, WORKERS=2)
    service.wait_for_workers(2)
    gunicorn = gunicorn_of(service)
    workers = workers_of(gunicorn)
    chosen = ("no folder", "a flipped bit")
    with load(service) as seen:
        for turn, name in enumerate(chosen, 1):
            spoil, reason = BREAKAGES[name]
            renew(tiny, place)
            spoil(place)
            reload(service)
            until(partial(refused, service, turn))
            (line,) = [line for line in service.log.splitlines() if line.startswith("error: ")][turn - 1 :]
            assert reason in line
            assert workers_of(gunicorn) == workers
    assert set(seen) == {OLD}
    renew(tiny, place)
    reload(service)
    until(lambda: not workers & workers_of(gunicorn))
    until(lambda: ask(service) == NEW)


def test_worker_that_dies_while_the_bundle_is_broken_tries_again(start: Start, tiny: Bundle, place: Path) -> None:
    service = start(BUNDLE=place, WORKERS=2)
    service.wait_for_workers(2)
    gunicorn = gunicorn_of(service)
    dies, goes_on = gunicorn.children()
    renew(tiny, place)
    BREAKAGES["a flipped bit"][0](place)
    began = time.monotonic()
    dies.kill()
    until(lambda: service.log.count(CANNOT) == 1)
    assert {ask(service) for _ in range(20)} == {OLD}
    until(lambda: service.log.count(CANNOT) == 2)
    renew(tiny, place)
    tries = 1 + (time.monotonic() - began) / 5
    assert service.log.count(CANNOT) <= tries, "there is a pause between them"
    assert service.log.count("model.bin has another checksum") == service.log.count(CANNOT)
    goes_on.kill()
    until(lambda: ask(service) == NEW)
    assert service.stop() == 0


def test_make_reload_reloads_the_service_on_this_port(start: Start, tiny: Bundle, place: Path) -> None:
    service = start(BUNDLE=place)
    renew(tiny, place)
    command = [sys.executable, "-m", "my_inference_app.run", "--reload"]
    subprocess.run(command, check=True, env=environment(PORT=port_of(service.url)))
    until(lambda: ask(service) == NEW)


def test_make_reload_without_a_service_says_so() -> None:
    command = [sys.executable, "-m", "my_inference_app.run", "--reload"]
    port = free_port()
    done = subprocess.run(command, env=environment(PORT=port), capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"error: no service of yours runs on port {port}: start one with `make run PORT={port}`\n"


def test_stopping_does_not_wait_for_the_next_try(start: Start, place: Path) -> None:
    service = start(BUNDLE=place, WORKERS=2)
    service.wait_for_workers(2)
    BREAKAGES["no folder"][0](place)
    gunicorn_of(service).children()[0].kill()
    service.wait_for(CANNOT)
    assert service.stop() == 0
    assert service.log.count(CANNOT) == 1
