"""Engines that a test opens, and users that send requests: nothing depends on how long anything takes."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Queue

import numpy as np
import pytest

from my_inference_app.engines.base import Engine, Images, Logits
from my_inference_app.inference.batching import Batcher
from my_inference_app.inference.jobs import Image, Job
from my_inference_app.inference.waiting import Patience

POISON = 255
Sent = Future[list[Job]]


def numbered(number: int) -> Image:
    """An image that the model's answer tells from 255 others."""
    return np.full((32, 32, 3), (number, 255 - number, 0), np.uint8)


def number_of(job: Job) -> int:
    """The number of the image that was computed: the model's answer is 4 * (colour - 127) / 128."""
    assert job.error is None and job.logits is not None
    red, green, _ = job.logits * 32 + 127
    assert red + green == pytest.approx(255, abs=0.1)
    return round(float(red))


def numbers_of(*sent: Sent) -> list[int]:
    return [number_of(job) for request in sent for job in request.result(60)]


def patient() -> Patience:
    return Patience(time.monotonic() + 60)


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


class Gate:
    """A real engine behind a gate. It notes its batches, and fails on the image POISON."""

    def __init__(self, engine: Engine) -> None:
        self.batches: list[list[int]] = []
        self.threads: list[int] = []
        self._engine = engine
        self._begun: Queue[None] = Queue()
        self._permits = 0.0
        self._permitted = threading.Condition()

    def __call__(self, images: Images, /) -> Logits:
        self.batches.append([int(image[0, 0, 0]) for image in images])
        self.threads.append(threading.get_ident())
        self._begun.put(None)
        with self._permitted:
            assert self._permitted.wait_for(lambda: self._permits, 60)
            self._permits -= 1
        if POISON in images[:, 0, 0, 0]:
            raise ValueError("poison")
        return self._engine(images)

    def wait_for_batch(self) -> None:
        self._begun.get(timeout=60)

    def let_through(self, batches: float = 1) -> None:
        with self._permitted:
            self._permits += batches
            self._permitted.notify_all()

    def open(self) -> None:
        self.let_through(math.inf)


class Users:
    """Each request is sent on a thread of its own."""

    def __init__(self, batcher: Batcher, pool: ThreadPoolExecutor) -> None:
        self._batcher = batcher
        self._pool = pool

    def send(self, *numbers: int, deadline: float | None = None, abandoned: Callable[[], bool] = lambda: False) -> Sent:
        patience = Patience(time.monotonic() + 60 if deadline is None else deadline, abandoned)
        return self._pool.submit(self._batcher.run, [numbered(number) for number in numbers], patience)

    def queue(self, *numbers: int, abandoned: Callable[[], bool] = lambda: False) -> Sent:
        """Sends while all engines are busy, and returns when the images are in the queue."""
        waiting = self._batcher.waiting + len(numbers)
        sent = self.send(*numbers, abandoned=abandoned)
        until(lambda: self._batcher.waiting >= waiting or sent.done())
        assert not sent.done()
        return sent
