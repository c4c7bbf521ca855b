"""Computes the images of concurrent requests in common batches.

There is no batching thread. A request that finds an engine idle computes at once, on its own thread, so a lone request
never waits. Requests that arrive meanwhile queue up. The thread that ends a batch passes the engine on to the first
request in the queue, which computes the next images along with its own: batches grow with the load by themselves.

A thread can lead one batch at a time. If there are several engines and the first request in the queue leads a batch
already, its next batch is led by a helper thread, so that the batches of one request are computed side by side.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from queue import Empty
from threading import Condition, Lock

import numpy as np
from numpy.typing import NDArray

from .. import metrics
from ..engines.base import Engine, FeatureEngine, RemoteEngine
from ..errors import Overloaded, ServiceError
from .jobs import Batch, Image, Job, Request
from .waiting import Patience


class Batcher:
    def __init__(
        self,
        engines: Sequence[Engine],
        *,
        max_batch: int,
        queue_size: int,
        delay: float = 0.0,
        computing: Callable[[], AbstractContextManager[None]] = nullcontext,
        counts: metrics.OfModel | None = None,
    ) -> None:
        """`computing` is entered while an engine works."""
        self._counts = counts or metrics.OfModel(metrics.NONE, metrics.NONE)
        self._engines = tuple(engines)
        self._idle = list(engines)
        self._helpers = ThreadPoolExecutor(max(1, len(engines) - 1), "engine")  # starts a thread when it needs one
        self._max_batch = max_batch
        self._queue_size = queue_size
        self._delay = delay
        self._computing = computing
        self._queue: deque[Job] = deque()
        self._lock = Lock()
        self._arrival = Condition(self._lock)

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def run(self, images: Sequence[Image], patience: Patience, with_features: bool = False) -> list[Job]:
        """Computes the images, and returns their jobs in the same order.

        `with_features` needs engines that are a FeatureEngine, and a bundle with features.
        """
        request = Request(images, with_features, patience.deadline)
        self._enter(request)
        withdrawn = False
        while request.unfinished:
            try:
                batch = request.inbox.get(timeout=None if withdrawn else patience.until_next_look())
            except Empty:
                if over := patience.look():
                    self._withdraw(request, over)
                    withdrawn = True  # the rest is being computed
                continue
            if batch:
                self._lead(batch, request)
        return request.jobs

    def run_on_each(self, images: Sequence[Image]) -> list[NDArray[np.float32]]:
        """Computes the images once on every engine, before there are any requests."""
        return [engine(np.stack(images)) for engine in self._engines]

    def _enter(self, request: Request) -> None:
        with self._lock:
            # A request larger than the whole queue is accepted if no other is waiting.
            if self._queue and len(self._queue) + len(request.jobs) > self._queue_size:
                raise Overloaded("too many images are waiting already: try again in a moment")
            self._queue.extend(request.jobs)
            self._counts.waiting.inc(len(request.jobs))
            while self._idle and self._queue:
                self._start(self._idle.pop())
            self._arrival.notify_all()

    def _start(self, engine: Engine) -> None:
        """Starts a batch with the first request in the queue. The lock is held."""
        batch = Batch(engine, [])
        self._fill(batch)
        first = batch.jobs[0].request
        if first.leads:
            self._helpers.submit(self._lead, batch)
        else:
            first.leads = True
            first.inbox.put(batch)

    def _fill(self, batch: Batch) -> None:
        """Moves jobs from the queue to a batch. The lock is held."""
        if count := min(len(self._queue), self._max_batch - len(batch.jobs)):
            batch.jobs.extend(self._queue.popleft() for _ in range(count))
            self._counts.waiting.dec(count)

    def _withdraw(self, request: Request, reason: Exception) -> None:
        """Takes what is not being computed yet out of the queue."""
        with self._lock:
            withdrawn = [job for job in self._queue if job.request is request]
            if withdrawn:
                self._queue = deque(job for job in self._queue if job.request is not request)
            request.unfinished -= len(withdrawn)
            self._counts.waiting.dec(len(withdrawn))
        for job in withdrawn:
            job.error = reason

    def _lead(self, batch: Batch, leader: Request | None = None) -> None:
        """Computes a batch, on the thread of the leading request or on a helper's, and passes the engine on."""
        with self._lock:
            if self._delay:
                self._arrival.wait_for(lambda: len(batch.jobs) + len(self._queue) >= self._max_batch, self._delay)
            self._fill(batch)  # with what has arrived since it was started
        try:
            self._compute(batch.jobs, batch.engine)
        finally:
            with self._lock:
                if leader:
                    leader.leads = False
                if self._queue:  # first of all, since an idle engine makes all others wait
                    self._start(batch.engine)
                else:
                    self._idle.append(batch.engine)
                self._finish(batch, leader)

    def _finish(self, batch: Batch, leader: Request | None) -> None:
        """Wakes the requests that have no more to wait for. The lock is held."""
        for job in batch.jobs:
            job.request.unfinished -= 1
            if not job.request.unfinished and job.request is not leader:
                job.request.inbox.put(None)

    def _compute(self, jobs: list[Job], engine: Engine) -> None:
        started = time.perf_counter()
        self._counts.batch_images.observe(len(jobs))
        self._counts.last_computed.set_to_current_time()
        try:
            with self._computing():
                _run(engine, jobs)
        except Exception as error:
            # One image may have spoilt the batch for the others.
            if len(jobs) > 1 and not isinstance(error, ServiceError):
                for job in jobs:
                    self._compute([job], engine)
                return
            for job in jobs:
                job.error = error
        finished = time.perf_counter()
        for job in jobs:
            job.started, job.finished, job.batch = started, finished, len(jobs)


def _run(engine: Engine, jobs: Sequence[Job]) -> None:
    """One batch for all, whether they want features or not."""
    images = np.stack([job.image for job in jobs])
    if isinstance(engine, RemoteEngine):  # the jobs have waited about equally long
        engine = engine.until(max(job.request.deadline for job in jobs))
    if any(job.with_features for job in jobs) and isinstance(engine, FeatureEngine):
        logits, maps = engine.with_features(images)
        for job, features in zip(jobs, maps, strict=True):
            if job.with_features:
                job.features = features.copy()  # the maps of the whole batch need not stay in memory
    else:
        logits = engine(images)
    for job, row in zip(jobs, logits, strict=True):
        job.logits = row
