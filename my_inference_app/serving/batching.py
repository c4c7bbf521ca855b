"""Puts the pictures of concurrent requests into common batches.

There is no thread of its own here. A request that finds an engine idle computes at once, on its own thread, so
a lone request waits for nothing and nobody. Requests that arrive meanwhile queue up; whoever ends a batch hands the
engine to the first in the queue, which takes the next ones along. Batches therefore grow with the load by themselves.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition, Lock

import numpy as np
from numpy.typing import NDArray

from .. import metrics
from ..engines import Engine
from ..errors import ClientGone, DeadlineExceeded, Overloaded

Picture = NDArray[np.uint8]
Abandoned = Callable[[], bool]  # whether nobody waits for the answer any more: asked often, and must never raise


class Job:
    """One picture on its way through the engine."""

    def __init__(self, picture: Picture, abandoned: Abandoned) -> None:
        self.picture = picture
        self.abandoned = abandoned
        self.logits: NDArray[np.float32] | None = None
        self.error: Exception | None = None
        self.engine: Engine | None = None
        self.entered = time.perf_counter()
        self.started = self.entered
        self.finished = self.entered
        self._signal = Lock()
        self._signal.acquire()

    def lead(self, engine: Engine) -> None:
        """Makes this job's request compute the next batch."""
        self.engine = engine
        self.wake()

    def wake(self) -> None:
        self._signal.release()

    def wait(self, timeout: float | None = None) -> bool:
        return self._signal.acquire(timeout=-1 if timeout is None else max(0.0, timeout))


class Batcher:
    def __init__(self, engines: Sequence[Engine], *, max_batch: int, queue_size: int, delay: float = 0.0) -> None:
        self._idle = list(engines)
        self._delay = delay
        self._max_batch = max_batch
        self._queue_size = queue_size
        self._queue: deque[Job] = deque()
        self._lock = Lock()
        self._arrival = Condition(self._lock)

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def run(self, pictures: Sequence[Picture], deadline: float, abandoned: Abandoned = lambda: False) -> list[Job]:
        """Computes the pictures, in the order given; `deadline` is on the clock of time.monotonic()."""
        jobs = [Job(picture, abandoned) for picture in pictures]
        self._enter(jobs)
        for job in jobs:
            self._see_through(job, deadline)
        return jobs

    def run_on_each(self, pictures: Sequence[Picture]) -> list[NDArray[np.float32]]:
        """Lets every engine compute the pictures once, before there are any requests."""
        return [engine(np.stack(pictures)) for engine in self._idle]

    def _enter(self, jobs: list[Job]) -> None:
        with self._lock:
            if not self._has_room_for(jobs):
                self._drop_abandoned()
                if not self._has_room_for(jobs):
                    raise Overloaded("too many pictures are waiting already: try again in a moment")
            self._queue.extend(jobs)
            metrics.waiting.inc(len(jobs))
            while self._idle and (job := self._next()):
                job.lead(self._idle.pop())
            self._arrival.notify_all()

    def _has_room_for(self, jobs: list[Job]) -> bool:
        """A request larger than the whole queue is taken on when nobody else is waiting."""
        return not self._queue or len(self._queue) + len(jobs) <= self._queue_size

    def _drop_abandoned(self) -> None:
        """Sends home all whose clients are gone; the lock is held."""
        still_there = []
        while job := self._next():
            still_there.append(job)
        self._queue.extend(still_there)
        metrics.waiting.inc(len(still_there))

    def _next(self) -> Job | None:
        """Takes the first out of the queue whose client is still there; the lock is held."""
        while self._queue:
            job = self._queue.popleft()
            metrics.waiting.dec()
            if not job.abandoned():
                return job
            job.error = ClientGone("the client hung up while the picture waited for its turn")
            job.wake()
        return None

    def _see_through(self, job: Job, deadline: float) -> None:
        if not job.wait(deadline - time.monotonic()):
            if self._withdraw(job):
                job.error = DeadlineExceeded("the picture waited too long for its turn: try again later")
                return
            job.wait()  # it has left the queue just now: it is being computed, or is to lead
        if job.engine:
            self._lead(job, job.engine)

    def _withdraw(self, job: Job) -> bool:
        with self._lock:
            if job not in self._queue:
                return False
            self._queue.remove(job)
            metrics.waiting.dec()
            return True

    def _lead(self, leader: Job, engine: Engine) -> None:
        with self._lock:
            if self._delay:
                self._arrival.wait_for(lambda: len(self._queue) >= self._max_batch - 1, self._delay)
            batch = [leader]
            while len(batch) < self._max_batch and (job := self._next()):
                batch.append(job)
        try:
            _compute(batch, engine)
        finally:
            with self._lock:  # before the answers go out: the engine is what everybody waits for
                if following := self._next():
                    following.lead(engine)
                else:
                    self._idle.append(engine)
            for job in batch[1:]:
                job.wake()


def _compute(batch: list[Job], engine: Engine) -> None:
    started = time.perf_counter()
    metrics.batch_pictures.observe(len(batch))
    try:
        logits = engine(np.stack([job.picture for job in batch]))
        for job, row in zip(batch, logits, strict=True):
            job.logits = row
    except Exception as error:
        if len(batch) > 1:  # one of them may have spoilt it for the others
            for job in batch:
                _compute([job], engine)
            return
        batch[0].error = error
    finished = time.perf_counter()
    for job in batch:
        job.started, job.finished = started, finished
