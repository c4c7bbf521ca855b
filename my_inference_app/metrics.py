"""The metrics of the service, for Prometheus, summed over all workers.

Every worker writes its metrics to files in the folder that all workers share. Any worker can sum them, and the counts
of a worker remain when it has ended. A process without that folder has its own metrics only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from . import shared_folder

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_registry = CollectorRegistry()

# Labels take their values from the routes and the models that there are. Anything else counts as UNKNOWN: a client
# must not be able to make up new ones.
UNKNOWN = "unknown"
NONE = "none"
"""The model of a request that needs none, or that failed before it had one."""
STAGES = ("decode", "queue", "infer")
_MODEL = ["model", "version"]

requests = Counter("inference_requests", "Requests answered", [*_MODEL, "route", "status"], registry=_registry)
request_seconds = Histogram(
    "inference_request_seconds",
    "Time of a request in the app",
    [*_MODEL, "route"],
    buckets=_SECONDS,
    registry=_registry,
)
wait_seconds = Histogram(
    "inference_wait_seconds",
    "From a request's arrival at nginx to a thread of the app",
    buckets=_SECONDS,
    registry=_registry,
)
errors = Counter(
    "inference_errors", "Requests and images refused, by error code", [*_MODEL, "code"], registry=_registry
)
stage_seconds = Histogram(
    "inference_stage_seconds",
    "Parts of a prediction: decode, queue, infer",
    [*_MODEL, "stage"],
    buckets=_SECONDS,
    registry=_registry,
)
batch_images = Histogram(
    "inference_batch_images", "Images computed together", _MODEL, buckets=(1, 2, 4, 8, 16, 32, 64), registry=_registry
)
waiting = Gauge(
    "inference_waiting_images",
    "Images that wait for an engine",
    _MODEL,
    registry=_registry,
    multiprocess_mode="livesum",
)
in_flight = Gauge(
    "inference_requests_in_flight", "Predictions under way", registry=_registry, multiprocess_mode="livesum"
)
answers = Counter(
    "inference_answers",
    "Images that calibrated models answered, by doubt: none, uncertain or unfamiliar",
    [*_MODEL, "doubt"],
    registry=_registry,
)
cache_images = Counter(
    "inference_cache_images",
    "Images looked up in the cache of results: hit or miss",
    ["model", "version", "result"],
    registry=_registry,
)
cache_bytes = Gauge(
    "inference_cache_bytes", "Bytes of results that are cached", registry=_registry, multiprocess_mode="livesum"
)
workers_ready = Gauge(
    "inference_workers_ready", "Workers with a warm model", registry=_registry, multiprocess_mode="livesum"
)
last_computed = Gauge(
    "inference_last_computed_seconds",
    "When a model last computed images, in seconds since 1970",
    _MODEL,
    registry=_registry,
    multiprocess_mode="max",
)
worker_starts = Counter("inference_worker_starts", "Workers started since the service was", registry=_registry)
worker_hangs = Counter("inference_worker_hangs", "Workers ended because a request hung", registry=_registry)


class OfModel:
    """The metrics of one model in one version."""

    def __init__(self, name: str, version: str) -> None:
        self.waiting = waiting.labels(name, version)
        self.batch_images = batch_images.labels(name, version)
        self.last_computed = last_computed.labels(name, version)
        self.stage_seconds = {stage: stage_seconds.labels(name, version, stage) for stage in STAGES}


class Sample(NamedTuple):
    """One value of a metric."""

    name: str
    labels: Mapping[str, str]
    value: float


class _Waiting(Collector):
    """Counted when it is asked for, of all workers together."""

    def __init__(self, requests: int) -> None:
        self._requests = requests

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "inference_requests_waiting", "Requests that wait for a thread of the app", value=self._requests
        )


def exposition(requests_waiting: int | None = None) -> bytes:
    """All metrics as text."""
    counted_now = CollectorRegistry()
    if requests_waiting is not None:
        counted_now.register(_Waiting(requests_waiting))
    return generate_latest(_of_all_workers()) + generate_latest(counted_now)


def samples() -> list[Sample]:
    """All metrics as values."""
    families = _of_all_workers().collect()
    return [Sample(sample.name, sample.labels, sample.value) for family in families for sample in family.samples]


def _of_all_workers() -> CollectorRegistry:
    if not shared_folder.is_open():
        return _registry
    found = CollectorRegistry()
    MultiProcessCollector(found)  # type: ignore[no-untyped-call]
    return found


def forget_worker(pid: int) -> None:
    """Takes a worker that has ended out of what is counted of living ones."""
    mark_process_dead(pid)  # type: ignore[no-untyped-call]
