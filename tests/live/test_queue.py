"""Requests that wait: abandoned, too late, too many, in a batch with a bad image, or while the service stops."""

from __future__ import annotations

import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from my_inference_app.bundles.bundle import Bundle
from tests.live import raw
from tests.live.gated import StartGated, gated, raw_request
from tests.live.service import until

GONE = "POST /predict 499"
Leave = Callable[[socket.socket], None]


@pytest.fixture
def start_gated(tmp_path: Path, tiny: Bundle) -> Iterator[StartGated]:
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(gated(tmp_path, **{"BUNDLE": tiny.path, **settings}))


def hang_up(connection: socket.socket) -> None:
    connection.close()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("leave", [hang_up, reset])
def test_request_whose_client_hung_up_is_not_computed(start_gated: StartGated, leave: Leave) -> None:
    service = start_gated()
    computing = service.occupy()
    leaving = [raw_request(service.url) for _ in range(5)]
    until(lambda: service.waiting_images == 5)
    patient = service.send()
    until(lambda: service.waiting_images == 6)
    for connection in leaving:
        leave(connection)
    until(lambda: service.log.count(GONE) == 5)
    service.open()
    assert [computing.result().status_code, patient.result().status_code] == [200, 200]
    assert service.batches == [1, 1]


def test_abandoned_requests_make_room_in_a_full_batch_queue(start_gated: StartGated) -> None:
    service = start_gated(QUEUE_SIZE=2)
    computing = service.occupy()
    leaving = [raw_request(service.app_url) for _ in range(2)]
    until(lambda: service.waiting_images == 2)
    refused = service.send().result()
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
    for connection in leaving:
        connection.close()
    until(lambda: service.log.count(GONE) == 2)
    patient = service.send()
    service.open()
    assert [computing.result().status_code, patient.result().status_code] == [200, 200]
    assert service.batches == [1, 1]


def test_client_that_leaves_while_waiting_for_a_thread_is_not_decoded(start_gated: StartGated) -> None:
    service = start_gated(THREADS=1)
    computing = service.occupy()
    for _ in range(3):
        raw_request(service.app_url).close()
    service.open()
    assert computing.result().status_code == 200
    until(lambda: service.log.count(GONE) == 3)
    assert service.batches == [1]


def test_request_that_waits_too_long_gets_504_and_is_not_computed(start_gated: StartGated) -> None:
    service = start_gated(REQUEST_TIMEOUT=1, HANG_TIMEOUT=60)
    computing = service.occupy()
    late = [request.result() for request in [service.send() for _ in range(2)]]
    service.open()
    assert computing.result().status_code == 200, "its time was over too, but it was being computed"
    assert [(answer.status_code, answer.json()["error"]["code"]) for answer in late] == [(504, "timeout")] * 2
    assert service.batches == [1]


def test_waiting_for_a_thread_counts_as_waiting(start_gated: StartGated) -> None:
    service = start_gated(REQUEST_TIMEOUT=1, THREADS=1)
    computing = service.occupy()
    late = [service.send() for _ in range(3)]
    until(lambda: service.metric("inference_requests_waiting") == 3)
    time.sleep(1.2)  # nginx noted the time before it made the connections
    service.open()
    answers = [request.result() for request in late]
    assert computing.result().status_code == 200
    assert [(answer.status_code, answer.json()["error"]["code"]) for answer in answers] == [(504, "timeout")] * 3
    assert service.batches == [1]
    assert service.metric("inference_requests_waiting") == 0
    assert service.metric("inference_wait_seconds_count") == 4
    assert service.metric("inference_wait_seconds_sum") > 3


def test_full_service_refuses_at_once_and_health_checks_get_through(start_gated: StartGated) -> None:
    """While nothing at all is computed: one request has the only thread, two wait for it."""
    service = start_gated(THREADS=1, QUEUE_SIZE=3)
    sent = [service.occupy(), *[service.send() for _ in range(7)]]
    until(lambda: sum(request.done() for request in sent) == 5)
    for url in (service.url, service.management_url):
        for path in ("/healthz", "/readyz"):
            assert requests.get(url + path, timeout=30).status_code == 200
    refused = [request.result() for request in sent if request.done()]
    assert {answer.status_code for answer in refused} == {503}
    assert {answer.json()["error"]["code"] for answer in refused} == {"overloaded"}
    assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
    service.open()
    assert sorted(request.result().status_code for request in sent) == [200] * 3 + [503] * 5
    assert "no live upstreams" not in service.nginx_log, "a flood of refusals would fill the disk"


def test_slow_uploads_take_no_place_in_the_queue(start_gated: StartGated) -> None:
    service = start_gated(QUEUE_SIZE=1)
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    uploads = [raw.connect(service.url) for _ in range(300)]
    try:
        for upload in uploads:
            upload.sendall(head + b"x" * 500)
        assert service.send().result().status_code == 200
    finally:
        for upload in uploads:
            upload.close()


def test_image_that_fails_does_not_spoil_its_batch(start_gated: StartGated) -> None:
    service = start_gated()
    computing = service.occupy()
    sent = [service.send(label) for label in ("green", "red", "blue")]
    until(lambda: service.waiting_images == 3)
    service.open()
    green, red, blue = (request.result() for request in sent)
    assert (red.status_code, red.json()["error"]["code"]) == (500, "model_failed")
    assert [answer.json()["predictions"][0]["label"] for answer in (green, blue)] == ["green", "blue"]
    assert computing.result().status_code == 200
    assert service.batches == [1, 3, 1, 1, 1]


def test_stopping_service_says_so_and_answers_what_it_accepted(start_gated: StartGated) -> None:
    service = start_gated()
    sent = [service.occupy(), *[service.send() for _ in range(6)]]
    until(lambda: service.waiting_images == 6)
    service.process.send_signal(signal.SIGTERM)
    until(lambda: requests.get(f"{service.management_url}/readyz", timeout=30).status_code == 503)
    assert requests.get(f"{service.management_url}/healthz", timeout=30).status_code == 200
    assert service.process.poll() is None
    service.open()
    assert [request.result().status_code for request in sent] == [200] * 7
    assert service.process.wait(60) == 0
