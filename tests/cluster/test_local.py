"""A service that starts a Ray of its own, as `make run-ray` does."""

from __future__ import annotations

from pathlib import Path

import psutil
import requests

from my_inference_app.bundles.bundle import Bundle
from tests.images import plain_image
from tests.live.service import running


def test_service_starts_ray_and_ends_it_with_all_its_processes(colours: Bundle, tmp_path: Path) -> None:
    with running(tmp_path / "log", ENGINE="ray", BUNDLE=colours.path, WORKERS=1) as service:
        answer = requests.post(f"{service.url}/predict", data=plain_image("blue"), timeout=60)
        assert answer.json()["predictions"][0]["label"] == "blue", answer.text
        started = psutil.Process(service.process.pid).children(recursive=True)
        assert any("raylet" in process.name() for process in started)
        assert service.stop() == 0
    _, alive = psutil.wait_procs(started, 30)
    assert alive == []
