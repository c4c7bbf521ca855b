"""Requests that wait are counted by the bytes that nobody has read yet."""

from __future__ import annotations

import socket
import sys

import pytest

from my_inference_app.waiting import requests_waiting


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists its connections in a file")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_only_unread_requests_count(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        assert requests_waiting(port) == 0
        with socket.create_connection((host, port)) as idle, socket.create_connection((host, port)) as sending:
            assert requests_waiting(port) == 0
            sending.sendall(b"GET /")
            assert requests_waiting(port) == 1, "before anybody has accepted the connection"
            idle.sendall(b"GET /")
            accepted = [server.accept()[0] for _ in range(2)]
            assert requests_waiting(port) == 2
            for connection in accepted:
                connection.recv(100)
                assert connection.getpeername()
            assert requests_waiting(port) == 0
            for connection in accepted:
                connection.close()
