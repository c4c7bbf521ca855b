"""A bundle is calibrated while it is served, by several workers behind nginx."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests

from benchmarks.unfamiliar import files, noise
from my_inference_app.bundles.bundle import Bundle
from tests.calibrate.labelled import copied, tinted_photos
from tests.exposition import total
from tests.images import SAMPLES, plain_image
from tests.live.service import Service, Start, until


def ask(service: Service, image: bytes, query: str = "") -> dict[str, Any]:
    body: dict[str, Any] = requests.post(f"{service.url}/predict{query}", data=image, timeout=60).json()
    return body


def test_calibration_reaches_the_running_service(start: Start, colours: Bundle, tmp_path: Path) -> None:
    made = copied(colours, tmp_path / "colours")
    review = tmp_path / "review"
    service = start(BUNDLE=made.path, WORKERS=2, STORE_POLL=0.2, REVIEW_DIR=review, REVIEW_PAUSE=0)
    assert ask(service, plain_image())["success"] and "set" not in ask(service, plain_image())
    assert ask(service, plain_image(), "?coverage=0.95")["error"]["code"] == "not_calibrated"
    photos = tinted_photos(tmp_path / "photos", 60)
    command = [sys.executable, "-m", "my_inference_app.calibrate", str(photos)]
    subprocess.run(command, env={**os.environ, "BUNDLE": str(made.path)}, check=True, timeout=120)
    until(lambda: all("set" in ask(service, plain_image()) for _ in range(8)), seconds=180)
    service.wait_for_workers(2)
    before = counted(service)
    images = files(noise, 12, [SAMPLES[0].read_bytes()])
    assert not any(ask(service, image)["certain"] for image in images)
    assert counted(service) == before + 12
    kept = [path for path in review.iterdir() if not path.name.startswith(".")]
    assert {path.read_bytes() for path in kept} & set(images)
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    assert ask(service, plain_image(), "?coverage=2")["error"]["code"] == "bad_request"


def counted(service: Service) -> float:
    metrics = requests.get(f"{service.management_url}/metrics", timeout=30).text
    return total(metrics, "inference_answers_total", {"doubt": "unfamiliar"})
