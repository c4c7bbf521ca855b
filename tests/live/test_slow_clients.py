"""Half a request costs a connection, and no thread: at nginx, and at gunicorn's own port."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.live import raw
from tests.live.service import REPOSITORY, Start, environment, free_port, until

CAT = (REPOSITORY / "post_request" / "cat.jpg").read_bytes()
HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
WITH_LENGTH = HEAD + b"Content-Length: %d\r\n\r\n" % len(CAT)
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(CAT)
HALVES = {
    "a letter": (b"P", WITH_LENGTH[1:] + CAT),
    "half a head": (HEAD[:40], WITH_LENGTH[40:] + CAT),
    "half a body": (WITH_LENGTH + CAT[:5000], CAT[5000:]),
    "half a chunk": (CHUNKED + CAT[:5000], CAT[5000:] + b"\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("straight", [False, True], ids=["nginx", "gunicorn"])
def test_hundreds_of_them(start: Start, straight: bool) -> None:
    service = start(WORKERS=1, THREADS=2)
    url = service.app_url if straight else service.url
    connections = {name: [raw.connect(url) for _ in range(75)] for name in HALVES}
    try:
        for name, (half, _) in HALVES.items():
            for connection in connections[name]:
                connection.sendall(half)
        for _ in range(3):
            assert requests.post(f"{url}/predict", data=CAT, timeout=30).status_code == 200
        for name, (_, rest) in HALVES.items():
            connections[name][0].sendall(rest)
            (answer,) = raw.answers(raw.read(connections[name][0]))
            assert answer.status == 200 and b"cat" in answer.body, name
    finally:
        for connection in (each for several in connections.values() for each in several):
            connection.close()


def test_who_does_not_hang_up_keeps_nobody_waiting(start: Start) -> None:
    """gunicorn would wait for each of them, two seconds long, before it looks at another connection."""
    service = start("--no-nginx", WORKERS=1, THREADS=2)
    connections = [raw.connect(service.app_url) for _ in range(60)]
    try:
        for connection in connections:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert requests.post(f"{service.app_url}/predict", data=CAT, timeout=30).status_code == 200
    finally:
        for connection in connections:
            connection.close()


def test_a_request_byte_by_byte(start: Start) -> None:
    service = start("--no-nginx", WORKERS=1, THREADS=1)
    data = b"\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nxxx\r\n2\r\nxx\r\n0\r\nA: b\r\n\r\n"
    with raw.connect(service.app_url) as connection:
        for position in range(len(data)):
            connection.sendall(data[position : position + 1])
        (answer,) = raw.answers(raw.read(connection))
    assert answer.code == "unsupported_format"


@pytest.mark.parametrize(("rest", "status"), [(b"fine", 200), (b"fi", 400)])
def test_where_memory_has_run_out_a_thread_reads_the_rest(tmp_path: Path, rest: bytes, status: int) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    config = REPOSITORY / "my_inference_app" / "gunicorn.conf.py"
    command = [sys.executable, "-m", "gunicorn", "-c", str(config), "tests.live.crowded_app:app"]
    variables = environment(APP_PORT=port, WORKERS=1, THREADS=1)
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(command, cwd=REPOSITORY, env=variables, stderr=log) as process,
    ):
        try:
            until(lambda: _answers(url))
            with raw.connect(url) as connection:
                connection.sendall(HEAD + b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n")
                assert connection.recv(100).startswith(b"HTTP/1.1 100")
                connection.sendall(rest)
                received = raw.read(connection)
            assert [answer.status for answer in raw.answers(received)] == [status]
            assert _answers(url), "who sends no more is given up"
        finally:
            process.send_signal(signal.SIGTERM)


def _answers(url: str) -> bool:
    try:
        with closing(requests.get(f"{url}/healthz", timeout=30)) as response:
            return response.status_code == 200
    except requests.ConnectionError:
        return False
