"""Workers that die, are replaced or hang while requests come in: nothing that was taken on is lost."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from my_inference_app.bundles.bundle import Bundle
from tests.live.hanging_images import FINE, HANGS_IN_DECODER, HANGS_IN_ENGINE, SLOW
from tests.live.service import REPOSITORY, Service, Start, environment, free_port, gunicorn_command, gunicorn_of, until

CAT = (REPOSITORY / "post_request" / "cat.jpg").read_bytes()


def send(service: Service, count: int, connections: int) -> list[int]:
    def one(_: int) -> int:
        return requests.post(f"{service.url}/predict", data=CAT, timeout=60).status_code

    with ThreadPoolExecutor(connections) as pool:
        return list(pool.map(one, range(count)))


@pytest.mark.parametrize("fault", ["a worker is killed", "reload"])
def test_clients_see_nothing_of_it(start: Start, fault: str) -> None:
    service = start(WORKERS=2)
    gunicorn = gunicorn_of(service)
    done = threading.Event()

    def disturb() -> None:
        while not done.wait(2):
            if fault == "reload":
                gunicorn.send_signal(signal.SIGHUP)
            elif len(gunicorn.children()) == 2:  # one is always left to take over
                gunicorn.children()[0].kill()

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        codes = send(service, 2000, 32)
    finally:
        done.set()
        disturber.join()
    assert codes == [200] * len(codes), [line for line in service.log.splitlines() if " 502 " in line]


@pytest.mark.parametrize("image", [HANGS_IN_DECODER, HANGS_IN_ENGINE], ids=["in the decoder", "in an engine"])
def test_a_worker_in_which_a_request_hangs_is_replaced(tiny: Bundle, tmp_path: Path, image: bytes) -> None:
    """But not before its neighbour on the other engine is answered, which takes longer than the hang is noticed."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = gunicorn_command("tests.live.hanging_app:app")
    variables = environment(
        BUNDLE=tiny.path, DEVICE="cpu,cpu", APP_PORT=port, WORKERS=1, THREADS=4, HANG_TIMEOUT=3, REQUEST_TIMEOUT=2
    )
    log = tmp_path / "log"
    with log.open("wb") as out, subprocess.Popen(command, cwd=REPOSITORY, env=variables, stderr=out) as process:
        try:
            until(lambda: code_of(url, FINE) == 200)
            before = [child.pid for child in psutil.Process(process.pid).children()]
            with ThreadPoolExecutor(2) as pool:
                hanging = pool.submit(code_of, url, image)
                time.sleep(1.5)
                neighbour = pool.submit(code_of, url, SLOW)
                assert (neighbour.result(), hanging.result()) == (200, None)
            until(lambda: code_of(url, FINE) == 200)
            figures = requests.get(f"{url}/metrics", timeout=30).text
            after = [child.pid for child in psutil.Process(process.pid).children()]
        finally:
            process.send_signal(signal.SIGTERM)
    assert b"1 request(s) hang for more than 3 s" in log.read_bytes()
    assert not set(before) & set(after)
    assert "inference_worker_hangs_total 1.0" in figures
    assert process.returncode == 0


def code_of(url: str, body: bytes) -> int | None:
    try:
        return requests.post(f"{url}/predict", data=body, timeout=30).status_code
    except requests.ConnectionError:
        return None
