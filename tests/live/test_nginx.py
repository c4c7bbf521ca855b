"""nginx as start.sh starts it: it takes the place of the shell, and ends without dropping anybody."""

from __future__ import annotations

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import requests

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
