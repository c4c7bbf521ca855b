"""More requests than can be answered: the excess is refused at once, and health checks get through."""

from __future__ import annotations

import selectors
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import requests

from tests.live.gated import port_of
from tests.live.service import REPOSITORY, Start

CAT = (REPOSITORY / "post_request" / "cat.jpg").read_bytes()
MANY = [("image", (f"{number}.jpg", CAT)) for number in range(32)]


def test_overloaded_service_refuses_at_once_and_health_checks_get_through(start: Start, efficientnet: Path) -> None:
    service = start(BUNDLE=efficientnet, WORKERS=1, THREADS=2, QUEUE_SIZE=4)

    def send(_: int) -> requests.Response:
        return requests.post(f"{service.url}/predict", files=MANY, timeout=60)

    with ThreadPoolExecutor(24) as pool:
        sent = pool.map(send, range(24))
        checks = [requests.get(f"{service.url}/healthz", timeout=10).status_code for _ in range(20)]
        answers = list(sent)
    assert checks == [200] * len(checks)
    refused = [answer for answer in answers if answer.status_code == 503]
    accepted = [answer for answer in answers if answer.status_code == 200]
    assert refused
    assert accepted
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all(len(answer.json()["results"]) == len(MANY) for answer in accepted)
    for answer in refused:
        assert answer.json()["error"]["code"] == "overloaded"
        assert answer.headers["Retry-After"] == "1"


def statuses(port: int, count: int) -> Counter[bytes]:
    """What so many clients get that all send at once."""
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(CAT)}\r\n\r\n".encode()
    found = Counter[bytes]()
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 60)) for _ in range(count)]
        for client in clients:
            client.sendall(head + CAT)
            selector.register(client, selectors.EVENT_READ, client)
        while selector.get_map():
            for key, _ in selector.select(60):
                found[key.data.recv(12)[9:]] += 1
                selector.unregister(key.fileobj)
    return found


def test_thousand_requests_at_once_are_all_answered(start: Start) -> None:
    service = start()
    assert statuses(port_of(service.url), 1000) == {b"200": 1000}


def test_three_thousand_requests_at_once_are_answered_or_refused(start: Start, efficientnet: Path) -> None:
    service = start(BUNDLE=efficientnet)
    found = statuses(port_of(service.url), 3000)
    assert set(found) == {b"200", b"503"}
    assert found.total() == 3000
    assert found[b"200"] >= 1024
    assert requests.post(f"{service.url}/predict", data=CAT, timeout=60).status_code == 200
