"""Whether a service is as it was, after everything that was sent to it."""

from __future__ import annotations

from collections.abc import Callable

import psutil
import requests

from tests.live.service import REPOSITORY, Service

CAT = (REPOSITORY / "post_request" / "cat.jpg").read_bytes()


def assert_it_stays_as_it_was(service: Service, send_everything: Callable[[], object], most: int) -> None:
    """In two rounds: the first gives the workers what they need, in the second they grow by less than `most` bytes."""
    children = psutil.Process(service.process.pid).children(recursive=True)
    workers = [child for child in children if "gunicorn" in " ".join(child.cmdline())]
    before = 0.0
    for turn in range(2):
        send_everything()
        grown = sum(worker.memory_info().rss for worker in workers) - before
        before += grown
        assert turn == 0 or grown < most
    assert all(worker.is_running() for worker in workers)
    answer = requests.post(f"{service.url}/predict", data=CAT, timeout=60).json()
    assert "cat" in answer["predictions"][0]["label"]
    assert "Traceback" not in service.log
