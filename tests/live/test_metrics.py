"""The figures of several workers, and of those that are no more, are one sum."""

from __future__ import annotations

import tempfile
from pathlib import Path

import requests

from tests.exposition import total
from tests.live.service import Service, Start, gunicorn_of, until
from tests.live.test_faults import send


def figure(service: Service, name: str, **labels: str) -> float:
    answer = requests.get(f"{service.url}/metrics", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    return total(answer.text, name, labels)


def test_all_workers_are_counted_whoever_is_asked(start: Start) -> None:
    service = start(WORKERS=2)
    send(service, 40, 8)
    requests.post(f"{service.url}/predict", data=b"no picture", timeout=30)
    for _ in range(5):  # answered by either worker
        assert figure(service, "inference_requests_total", path="/predict", status="200") == 40
        assert figure(service, "inference_errors_total", code="unsupported_format") == 1
        assert figure(service, "inference_stage_seconds_count", stage="decode") == 41
        assert figure(service, "inference_stage_seconds_count", stage="infer") == 40
        assert figure(service, "inference_batch_images_sum") >= 40
        assert figure(service, "inference_waiting_images") == 0
        assert figure(service, "inference_requests_in_flight") == 0
        assert figure(service, "inference_worker_starts_total") == 2
        assert figure(service, "inference_workers_ready") == 2


def test_what_a_worker_counted_outlives_it(start: Start) -> None:
    service = start(WORKERS=2)
    gunicorn = gunicorn_of(service)
    send(service, 20, 8)
    victim = gunicorn.children()[0]
    victim.kill()
    until(lambda: figure(service, "inference_worker_starts_total") == 3)
    until(lambda: figure(service, "inference_workers_ready") == 2)
    assert figure(service, "inference_requests_total", path="/predict", status="200") == 20


def test_no_file_is_left(start: Start) -> None:
    service = start()
    places = (Path("/dev/shm"), Path(tempfile.gettempdir()))  # noqa: S108
    folders = [folder for place in places for folder in place.glob(f"metrics-{gunicorn_of(service).pid}-*")]
    assert [bool(list(folder.iterdir())) for folder in folders] == [True]
    assert service.stop() == 0
    assert not folders[0].exists()
