"""Workers that die, are replaced or hang while requests come in: no accepted request is lost."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest
import requests

from benchmarks.ports import free_port
from my_inference_app.bundles.bundle import Bundle
from tests.images import plain_image
from tests.live.clients import asking
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


def send(service: Service, number: int, connections: int) -> list[int]:
    def one(_: int) -> int:
        return requests.post(f"{service.url}/predict", data=CAT, timeout=60).status_code

    with ThreadPoolExecutor(connections) as pool:
        return list(pool.map(one, range(number)))


@contextmanager
def load(service: Service, connections: int) -> Iterator[Counter[int]]:
    """Clients that keep their connections; counts the statuses of the answers."""

    def ask(session: requests.Session) -> int:
        return session.post(f"{service.url}/predict", data=FINE, timeout=60).status_code

    with ExitStack() as stack:
        sessions = [stack.enter_context(requests.Session()) for _ in range(connections)]
        with asking([partial(ask, session) for session in sessions]) as seen:
            yield seen


def test_no_request_is_lost(start: Start) -> None:
    """Workers are killed, one by one, then all are replaced. Requests that a fault hit are answered before the next."""
    service = start(WORKERS=2)
    service.wait_for_workers(2)
    gunicorn = gunicorn_of(service)
    with load(service, 32) as seen:
        for fault in (*["kill"] * 4, *["reload"] * 2):
            before, workers = seen.total(), gunicorn.children()
            if fault == "kill":
                workers[0].kill()
            else:
                service.process.send_signal(signal.SIGHUP)
            left = workers[1:] if fault == "kill" else []
            until(lambda: set(gunicorn.children()) & set(workers) == set(left))  # noqa: B023
            service.wait_for_workers(2)
            until(lambda: seen.total() > before + 250)  # noqa: B023
    assert set(seen) == {200}, [line for line in service.log.splitlines() if " 502 " in line]


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
