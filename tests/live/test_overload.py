"""More than can be answered: what is taken on is answered, the rest is refused at once, probes get through."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import requests

from tests.live.service import REPOSITORY, Start

CAT = (REPOSITORY / "post_request" / "cat.jpg").read_bytes()
MANY = [("image", (f"{number}.jpg", CAT)) for number in range(32)]


def test_a_full_waiting_room_refuses_at_once_and_probes_get_through(start: Start) -> None:
    service = start(WORKERS=1, THREADS=2, QUEUE_SIZE=2)

    def send(_: int) -> requests.Response:
        return requests.post(f"{service.url}/predict", files=MANY, timeout=60)

    with ThreadPoolExecutor(24) as pool:
        sent = pool.map(send, range(24))
        probes = [requests.get(f"{service.url}/healthz", timeout=10).status_code for _ in range(20)]
        answers = list(sent)
    assert probes == [200] * len(probes)
    refused = [answer for answer in answers if answer.status_code == 503]
    accepted = [answer for answer in answers if answer.status_code == 200]
    assert refused
    assert accepted
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all(len(answer.json()["results"]) == len(MANY) for answer in accepted)
    for answer in refused:
        assert answer.json()["error"]["code"] == "overloaded"
        assert answer.headers["Retry-After"] == "1"


def test_idle_connections_cost_no_thread(start: Start) -> None:
    """Straight at gunicorn, whose own worker would give each of them a thread for some seconds."""
    service = start("--no-nginx", WORKERS=1, THREADS=1)
    address = ("127.0.0.1", int(service.app_url.rpartition(":")[2]))
    idle = [socket.create_connection(address, timeout=30) for _ in range(50)]
    try:
        assert requests.post(f"{service.app_url}/predict", data=CAT, timeout=3).status_code == 200
    finally:
        for connection in idle:
            connection.close()


def test_a_thousand_connections_are_all_answered(start: Start) -> None:
    service = start()
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(CAT)}\r\n\r\n".encode()
    address = ("127.0.0.1", int(service.url.rpartition(":")[2]))
    connections = [socket.create_connection(address, timeout=60) for _ in range(1000)]
    try:
        for connection in connections:
            connection.sendall(head + CAT)
        codes = [connection.recv(12)[9:] for connection in connections]
    finally:
        for connection in connections:
            connection.close()
    assert codes == [b"200"] * len(codes)
