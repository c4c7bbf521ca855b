"""One pod with one worker: its threads, and the batches of my_inference_app/inference/batching.py."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from simpy import Environment

from .cores import Cores


@dataclass(frozen=True)
class Costs:
    """CPU time in core-seconds."""

    request: float
    """Everything of a request but the engine: most of it is decoding."""
    batch: float
    """Of the engine for a batch, whatever its size."""
    image: float
    """And for each image in it."""
    spread: Sequence[float] = (1.0,)
    """How long batches of one image take, relative to the average. All of these are equally likely."""

    def of_batch(self, images: int) -> float:
        return self.batch + self.image * images


@dataclass(frozen=True)
class Shape:
    """The settings of a pod."""

    cores: int = 2
    threads: int = 16
    max_batch: int = 8
    request_timeout: float = 10.0


@dataclass(eq=False)
class Request:
    arrived: float
    """Now or, for a request that is sent again, when it was."""
    answer: Callable[[Request, bool], None]
    """Called with whether it was computed. Otherwise it waited too long."""
    batch: int = 0


class Pod:
    """A request takes a thread until it is answered; further requests wait for one.

    An idle engine starts with the images that are in the queue. The end of a batch starts the next one, before anything
    else, with up to `max_batch` of the images that have arrived meanwhile, in the order of their arrival.
    """

    def __init__(self, env: Environment, costs: Costs, shape: Shape, random: Random) -> None:
        self._env = env
        self._random = random
        self._costs = costs
        self._shape = shape
        self.cores = Cores(env, shape.cores)
        self._free = shape.threads
        self._backlog: deque[Request] = deque()
        self._queue: deque[Request] = deque()
        self._computing = False
        self.batches: list[int] = []

    def send(self, request: Request) -> None:
        self._backlog.append(request)
        self._take()

    @property
    def waiting(self) -> int:
        """Requests that wait for a thread."""
        return len(self._backlog)

    def _take(self) -> None:
        while self._free and self._backlog:
            request = self._backlog.popleft()
            if self._late(request):
                request.answer(request, False)
            else:
                self._free -= 1
                self.cores.run(self._costs.request, 1, partial(self._enter, request))

    def _enter(self, request: Request) -> None:
        self._queue.append(request)
        if not self._computing:
            self._start()

    def _start(self) -> None:
        """The real batcher withdraws a request when its time is over. Here that shows when its turn comes."""
        batch: list[Request] = []
        late: list[Request] = []
        while self._queue and len(batch) < self._shape.max_batch:
            request = self._queue.popleft()
            (late if self._late(request) else batch).append(request)
        self._computing = bool(batch)
        if batch:
            # Chance evens out within a larger batch.
            chance = 1 + (self._random.choice(self._costs.spread) - 1) / math.sqrt(len(batch))
            work = self._costs.of_batch(len(batch)) * chance
            self.cores.run(work, self._shape.cores, partial(self._finish, batch))
        for request in late:
            self._release(request, computed=False)

    def _finish(self, batch: list[Request]) -> None:
        self.batches.append(len(batch))
        self._start()
        for request in batch:
            request.batch = len(batch)
            self._release(request, computed=True)

    def _release(self, request: Request, *, computed: bool) -> None:
        self._free += 1
        request.answer(request, computed)
        self._take()

    def _late(self, request: Request) -> bool:
        return self._env.now - request.arrived > self._shape.request_timeout
