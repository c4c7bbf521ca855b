"""Workers that die, are replaced or hang while requests come in: no accepted request is lost."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import psutil
import pytest
import requests

from benchmarks.ports import free_port
from my_inference_app.bundles.bundle import Bundle
from tests.images import plain_image
from tests.live.hanging_images import FINE, HANGS_IN_DECODER, HANGS_IN_ENGINE, SLOW
from tests.live.service import (
    REPOSITORY,
    Service,
    Start,
    environment,
    gunicorn_command,
    gunicorn_of,
    nginx_alone,
    until,
)

CAT = (REPOSITORY / "post_request" / "cat.jpg").read_bytes()


EVERY = 250


def send(service: Service, number: int, connections: int, answered: Callable[[], None] = lambda: None) -> list[int]:
    def one(_: int) -> int:
        status = requests.post(f"{service.url}/predict", data=CAT, timeout=60).status_code
        answered()
        return status

    with ThreadPoolExecutor(connections) as pool:
        return list(pool.map(one, range(number)))


@pytest.mark.parametrize("fault", ["a worker is killed", "reload"])
def test_no_request_is_lost(start: Start, fault: str) -> None:
    """At a fault after every 250 answers: all requests that the last fault hit have been answered by then."""
    service = start(WORKERS=2)
    service.wait_for_workers(2)
    gunicorn = gunicorn_of(service)
    answers = count(1)
    faults = []

    def answered() -> None:
        if next(answers) % EVERY:
            return
        if fault == "reload":
            service.process.send_signal(signal.SIGHUP)
            faults.append(fault)
        elif len(gunicorn.children()) == 2:  # one is always left to take over
            gunicorn.children()[0].kill()
            faults.append(fault)

    codes = send(service, 2000, 32, answered)
    assert codes == [200] * len(codes), [line for line in service.log.splitlines() if " 502 " in line]
    assert len(faults) > 3


@pytest.mark.parametrize("image", [HANGS_IN_DECODER, HANGS_IN_ENGINE], ids=["in the decoder", "in an engine"])
def test_worker_with_a_hanging_request_is_replaced(tiny: Bundle, tmp_path: Path, image: bytes) -> None:
    """But not before a request on the other engine is answered, which takes longer than finding the hang."""
    port, management_port = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    command = gunicorn_command("tests.live.hanging_app:app")
    ports = {"APP_PORT": port, "MANAGEMENT_PORT": management_port}
    settings = {"DEVICE": "cpu,cpu", "WORKERS": 1, "THREADS": 4, "HANG_TIMEOUT": 3, "REQUEST_TIMEOUT": 2}
    variables = environment(BUNDLE=tiny.path, **ports, **settings)
    log = tmp_path / "log"
    with log.open("wb") as out, subprocess.Popen(command, cwd=REPOSITORY, env=variables, stderr=out) as process:
        try:
            until(lambda: code_of(url, FINE) == 200)
            before = [child.pid for child in psutil.Process(process.pid).children()]
            with ThreadPoolExecutor(2) as pool:
                hanging = pool.submit(code_of, url, image)
                time.sleep(1.5)
                other = pool.submit(code_of, url, SLOW)
                assert (other.result(), hanging.result()) == (200, None)
            until(lambda: code_of(url, FINE) == 200)
            metrics = requests.get(f"http://127.0.0.1:{management_port}/metrics", timeout=30).text
            after = [child.pid for child in psutil.Process(process.pid).children()]
        finally:
            process.send_signal(signal.SIGTERM)
    assert b"1 request(s) hang for more than 3 s" in log.read_bytes()
    assert not set(before) & set(after)
    assert "inference_worker_hangs_total 1.0" in metrics
    assert process.returncode == 0


def test_request_that_kills_its_worker_kills_two_and_gets_502(tiny: Bundle, tmp_path: Path) -> None:
    ports = {"APP_PORT": free_port(), "MANAGEMENT_PORT": free_port()}
    command = gunicorn_command("tests.live.crashing_app:app")
    variables = environment(BUNDLE=tiny.path, WORKERS=4, **ports)
    log = tmp_path / "gunicorn.log"
    with log.open("wb") as out, subprocess.Popen(command, cwd=REPOSITORY, env=variables, stderr=out) as process:
        try:
            url = f"http://127.0.0.1:{ports['APP_PORT']}"
            until(lambda: code_of(url, FINE) == 200)
            workers = psutil.Process(process.pid).children()
            with nginx_alone(tmp_path, f"127.0.0.1:{ports['APP_PORT']}") as nginx:
                response = requests.post(f"{nginx}/predict", data=plain_image("red"), timeout=60)
                assert (response.status_code, response.json()["error"]["code"]) == (502, "unreachable")
                assert code_of(nginx, FINE) == 200
            assert len(psutil.wait_procs(workers, timeout=1)[0]) == 2, "the others were left alone"
        finally:
            process.send_signal(signal.SIGTERM)


def code_of(url: str, body: bytes) -> int | None:
    try:
        return requests.post(f"{url}/predict", data=body, timeout=30).status_code
    except requests.ConnectionError:
        return None
