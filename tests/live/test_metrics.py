"""Metrics sum all workers, those that have ended included."""

from __future__ import annotations

from pathlib import Path

import requests

from my_inference_app import shared_folder
from tests.exposition import total
from tests.live.service import Service, Start, gunicorn_of, until
from tests.live.test_faults import send

MODEL = "tiny"
SHARED = Path(shared_folder.MEMORY)


def metric(service: Service, name: str, **labels: str) -> float:
    answer = requests.get(f"{service.management_url}/metrics", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    return total(answer.text, name, labels)


def test_metrics_sum_all_workers_whichever_answers(start: Start) -> None:
    service = start(WORKERS=2)
    service.wait_for_workers(2)
    send(service, 40, 8)
    requests.post(f"{service.url}/predict", data=b"not an image", timeout=30)
    for _ in range(5):  # by either worker
        assert metric(service, "inference_requests_total", route="/predict", status="200") == 40
        assert metric(service, "inference_errors_total", code="unsupported_format") == 1
        assert metric(service, "inference_stage_seconds_count", stage="decode") == 41
        assert metric(service, "inference_stage_seconds_count", stage="infer", model=MODEL, version="1") == 40
        assert metric(service, "inference_batch_images_sum") >= 40
        assert metric(service, "inference_waiting_images") == 0
        assert metric(service, "inference_requests_in_flight") == 0
        assert metric(service, "inference_worker_starts_total") == 2
        assert metric(service, "inference_workers_ready") == 2


def test_metrics_of_a_killed_worker_are_kept(start: Start) -> None:
    service = start(WORKERS=2)
    service.wait_for_workers(2)
    gunicorn = gunicorn_of(service)
    send(service, 20, 8)
    victim = gunicorn.children()[0]
    victim.kill()
    until(lambda: not victim.is_running() and len(gunicorn.children()) == 2)
    until(lambda: metric(service, "inference_worker_starts_total") == 3)
    until(lambda: metric(service, "inference_workers_ready") == 2)
    assert metric(service, "inference_requests_total", route="/predict", status="200") == 20


def test_metrics_are_not_public(start: Start) -> None:
    service = start()
    assert requests.get(f"{service.url}/metrics", timeout=30).status_code == 404


def test_stopped_service_leaves_no_file(start: Start) -> None:
    service = start()
    folders = list(SHARED.glob(f"metrics-{gunicorn_of(service).pid}-*"))
    assert [bool(list(folder.iterdir())) for folder in folders] == [True]
    assert service.stop() == 0
    assert not folders[0].exists()


def test_next_start_removes_what_a_killed_service_left(start: Start) -> None:
    first = start()
    gunicorn = gunicorn_of(first)
    (folder,) = SHARED.glob(f"metrics-{gunicorn.pid}-*")
    gunicorn.kill()
    first.process.wait(60)
    assert folder.exists()
    start()
    assert not folder.exists()
