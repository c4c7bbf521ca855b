"""Processes, threads and batches."""

from __future__ import annotations

from dataclasses import dataclass

from ..resources import cores
from .parsing import Number, Whole
from .setting import setting


@dataclass(frozen=True)
class Serving:
    workers: int = setting(
        0,
        "gunicorn workers, each with its own copy of the model; 0 means one for every two cores, at most four "
        "(also read from `WEB_CONCURRENCY`)",
        Whole(0, 256),
        alias="WEB_CONCURRENCY",
    )
    threads: int = setting(16, "requests that a worker handles at the same time", Whole(1, 1024))
    compute_threads: int = setting(
        0, "threads that compute in each worker; 0 means cores divided by workers", Whole(0, 1024)
    )
    max_batch: int = setting(0, "largest batch of images; 0 means 8 on a CPU, 64 on CUDA", Whole(0, 1024))
    batch_delay_ms: float = setting(
        0.0, "milliseconds to wait for a batch to fill up; useful on a GPU only", Number(0, 1000)
    )
    grace_timeout: int = setting(
        30, "seconds that a stopping worker has to finish the requests it has accepted", Whole(1, 3600)
    )
    store_poll: float = setting(
        0.0,
        "seconds between looks at the bundles: a new one is loaded by itself; 0 means that a reload loads it",
        Number(0, 86_400),
    )
    cache_mb: int = setting(
        0,
        "MB in each worker for the results of images that may be sent again, byte for byte; 0 means no cache",
        Whole(0, 1_000_000),
    )

    @property
    def worker_count(self) -> int:
        return self.workers or max(1, min(4, cores() // 2))

    @property
    def compute_thread_count(self) -> int:
        return self.compute_threads or max(1, cores() // self.worker_count)
