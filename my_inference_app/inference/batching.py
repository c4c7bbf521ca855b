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
from ..engines.base import Engine
from ..errors import ClientGone, DeadlineExceeded, Overloaded

Picture = NDArray[np.uint8]
Abandoned = Callable[[], bool]  # whether nobody waits for the answer any more

# How often a request that waits looks whether anybody waits for it: each by itself and without the lock, as a look at a
# connection lets another thread run, and whoever forms a batch must not wait for all of them.
_LOOK_EVERY = 0.5
_TOO_LATE = "the picture waited too long for its turn: try again later"
_GONE = "the client hung up while the picture waited for its turn"


class Job:
    """One picture on its way through the engine."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.logits: NDArray[np.float32] | None = None
        self.error: Exception | None = None
        self.engine: Engine | None = None  # set: this job's request is to compute the next batch
        self.entered = time.perf_counter()
        self.started = self.entered
        self.finished = self.entered
        self._signal = Lock()
        self._signal.acquire()

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
        jobs = [Job(picture) for picture in pictures]
        self._enter(jobs)
        patience = _LOOK_EVERY
        for job in jobs:
            self._see_through(job, deadline, abandoned, patience)
            if isinstance(job.error, ClientGone):
                patience = 0.0  # nobody waits for the rest of them either
        return jobs

    def run_on_each(self, pictures: Sequence[Picture]) -> list[NDArray[np.float32]]:
        """Lets every engine compute the pictures once, before there are any requests."""
        return [engine(np.stack(pictures)) for engine in self._idle]

    def _enter(self, jobs: list[Job]) -> None:
        with self._lock:
            # A request larger than the whole queue is taken on when nobody else is waiting.
            if self._queue and len(self._queue) + len(jobs) > self._queue_size:
                raise Overloaded("too many pictures are waiting already: try again in a moment")
            self._queue.extend(jobs)
            metrics.waiting.inc(len(jobs))
            while self._idle and self._queue:
                self._appoint(self._idle.pop())
            self._arrival.notify_all()

    def _appoint(self, engine: Engine) -> None:
        """Hands an engine to the first in the queue; the lock is held."""
        job = self._queue.popleft()
        metrics.waiting.dec()
        job.engine = engine
        job.wake()

    def _see_through(self, job: Job, deadline: float, abandoned: Abandoned, patience: float) -> None:
        while not job.wait(min(patience, deadline - time.monotonic())):
            late = time.monotonic() >= deadline
            if not late and not abandoned():
                continue
            if self._withdraw(job):
                job.error = DeadlineExceeded(_TOO_LATE) if late else ClientGone(_GONE)
                return
            job.wait()  # it has left the queue just now: it is being computed, or is to lead
            break
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
            others = [self._queue.popleft() for _ in range(min(len(self._queue), self._max_batch - 1))]
            metrics.waiting.dec(len(others))
        batch = [leader, *others]
        try:
            _compute(batch, engine)
        finally:
            with self._lock:  # before the answers go out: the engine is what everybody waits for
                if self._queue:
                    self._appoint(engine)
                else:
                    self._idle.append(engine)
            for job in others:
                job.wake()


def _compute(batch: list[Job], engine: Engine) -> None:
    started = time.perf_counter()
    metrics.batch_images.observe(len(batch))
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
