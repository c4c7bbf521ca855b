"""nginx as start.sh starts it: its end, and where it sends requests again."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import psutil
import requests

from benchmarks.ports import free_port
from tests.live.service import listens, nginx_alone, until


def test_stopped_nginx_answers_its_requests_first(tmp_path: Path) -> None:
    with (
        ThreadPoolExecutor(1) as pool,
        socket.create_server(("127.0.0.1", 0)) as app,
        nginx_alone(tmp_path, f"127.0.0.1:{app.getsockname()[1]}") as url,
    ):
        nginx = psutil.Process(int((tmp_path / "nginx.pid").read_text()))
        assert nginx.ppid() == os.getpid(), "start.sh is still there"
        sent = pool.submit(requests.get, url, timeout=60)
        connection, _ = app.accept()
        nginx.send_signal(signal.SIGQUIT)
        until(lambda: not listens(int(url.rpartition(":")[2])))
        assert not sent.done()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            assert sent.result().text == "ok"
        assert nginx.wait(60) == 0


@contextmanager
def host(address: str, port: int, answers: Callable[[bytes], bytes | None]) -> Iterator[list[bytes]]:
    """An app that answers, or says nothing and closes the connection (b"") or keeps it (None). Yields its requests."""
    seen: list[bytes] = []
    with socket.create_server((address, port)) as listener, ExitStack() as left_open:

        def serve() -> None:
            while True:
                connection, _ = listener.accept()
                left_open.enter_context(connection)
                request = connection.recv(65536)
                if not request:
                    return
                seen.append(request)
                answer = answers(request)
                if answer is not None:
                    connection.sendall(answer)
                    connection.close()

        thread = Thread(target=serve)
        thread.start()
        try:
            yield seen
        finally:
            socket.create_connection((address, port)).close()
            thread.join()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def dies_of_bad(request: bytes) -> bytes:
    return b"" if b"/bad" in request else OK


def test_hosts_that_have_all_just_failed_still_get_requests(tmp_path: Path) -> None:
    """One request that kills its worker is tried on two hosts. That must not close the service for all others."""
    port = free_port()
    with (
        host("127.0.78.11", port, dies_of_bad) as first,
        host("127.0.78.12", port, dies_of_bad) as second,
        nginx_alone(tmp_path, f"127.0.78.11,127.0.78.12:{port}") as url,
    ):
        assert requests.post(f"{url}/bad", data=b"x", timeout=60).status_code == 502
        assert [len(first), len(second)] == [1, 1]
        assert [requests.post(url, data=b"x", timeout=60).text for _ in range(8)] == ["ok"] * 8


def test_request_that_the_only_host_does_not_answer_is_not_repeated(tmp_path: Path) -> None:
    port = free_port()
    with (
        host("127.0.0.1", port, lambda _: None) as seen,
        nginx_alone(tmp_path, f"127.0.0.1:{port}", REQUEST_TIMEOUT=0.1) as url,
    ):
        answer = requests.post(url, data=b"x", timeout=60)
        assert (answer.status_code, answer.json()["error"]["code"], len(seen)) == (504, "timeout", 1)
