"""The real service under the same clients as the simulated one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from threading import local
from urllib.parse import urlsplit

import requests
from prometheus_client.parser import text_string_to_metric_families

from ..rows import Started
from .machine import Load, arrivals

_MOST_AT_ONCE = 128
_PAUSE = 0.1


class Clients:
    """Posts an image, over connections that stay open."""

    def __init__(self, url: str, image: Path) -> None:
        self._at = urlsplit(url)
        self._body = image.read_bytes()
        self._of_thread = local()

    def take(self, load: Load, duration: float, seed: int = 0) -> list[float]:
        """The seconds that each request took which was answered within the duration."""
        begin = time.perf_counter()
        with ThreadPoolExecutor(load.clients or _MOST_AT_ONCE) as pool:
            if load.clients:
                found = [pool.submit(self._again_and_again, begin + duration) for _ in range(load.clients)]
                return [seconds for future in found for seconds in future.result()]
            singles = [pool.submit(self._one, moment) for moment in _in_time(begin, load, duration, seed)]
            return [future.result() for future in singles]

    def alone(self, duration: float) -> list[float]:
        """One client that pauses between requests: directly behind another, one finds warm caches and cores."""
        return self._again_and_again(time.perf_counter() + duration, _PAUSE)

    def _again_and_again(self, end: float, pause: float = 0.0) -> list[float]:
        taken = []
        while (started := time.perf_counter()) < end:
            seconds = self._one(started)
            if started + seconds < end:
                taken.append(seconds)
            time.sleep(pause)
        return taken

    def _one(self, due: float) -> float:
        if not hasattr(self._of_thread, "connection"):
            self._of_thread.connection = HTTPConnection(self._at.hostname or "", self._at.port)
        connection: HTTPConnection = self._of_thread.connection
        connection.request("POST", self._at.path, self._body, {"Content-Type": "image/jpeg"})
        response = connection.getresponse()
        if response.status != 200:
            raise RuntimeError(f"the service answered {response.status}: {response.read()[:200]!r}")
        response.read()
        return time.perf_counter() - due


def _in_time(begin: float, load: Load, duration: float, seed: int) -> Iterator[float]:
    for moment in arrivals(load.rate, duration, seed):
        due = begin + moment
        time.sleep(max(0.0, due - time.perf_counter()))
        yield due


def totals(started: Started) -> dict[str, float]:
    """From the service's metrics: seconds of the engine, batches, and images in them."""
    text = requests.get(f"{started.management_url}/metrics", timeout=10).text
    found = {"infer": 0.0, "requests": 0.0, "images": 0.0, "batches": 0.0}
    names = {
        "inference_stage_seconds_sum": "infer",
        "inference_stage_seconds_count": "requests",
        "inference_batch_images_sum": "images",
        "inference_batch_images_count": "batches",
    }
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in names and sample.labels.get("stage", "infer") == "infer":
                found[names[sample.name]] += sample.value
    return found
