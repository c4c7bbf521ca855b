"""The phases of a soak: warm up, disturb, leave undisturbed; measures the service before and after.

A restart replaces workers, and so hides what they have accumulated. Therefore the last part has none. The service is
measured after the warm-up and at the end, both times without requests in progress.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count

import psutil

from .clients import Target, each_once, steadily
from .crowds import all_at_once, hanging_up, slowly
from .restarts import restart
from .state import State, state

_SETTLES_IN = 30


@dataclass(frozen=True)
class Plan:
    """A part ends when its time is over and every kind of client has had its rounds."""

    seconds: float = 600
    rounds: int = 1
    clients: int = 8
    crowd: int = 300
    pause: float = 10
    """Seconds between two rounds of a crowd, or two restarts."""
    slowness: float = 0.5
    """Seconds between two pieces of a slow request."""


@dataclass
class Soak:
    target: Target
    service: psutil.Process
    plan: Plan
    show: Callable[[], None]
    before: State | None = None
    after: State | None = None

    def run(self) -> None:
        each_once(self.target)
        if self.target.counts.lost:
            return
        self._part(0.2)
        if self.target.stop.is_set():
            return
        self.before = self._settled()
        self._part(0.4, partial(restart, self.target, self.service, self.plan.pause))
        self._part(0.4)
        self.after = self._settled()

    def _part(self, share: float, *disturb: Callable[[], None]) -> None:
        end = time.monotonic() + share * self.plan.seconds
        crowds: list[Callable[[], None]] = [
            partial(all_at_once, self.target, self.plan.crowd),
            partial(slowly, self.target, self.plan.slowness),
            partial(hanging_up, self.target),
            *disturb,
        ]
        with ThreadPoolExecutor(len(crowds) + self.plan.clients) as pool:
            done = threading.Event()
            rounds = [pool.submit(self._repeat, crowd, end) for crowd in crowds]
            steady = [pool.submit(self._steadily, seed, done) for seed in range(self.plan.clients)]
            try:
                while not all(future.done() for future in rounds):
                    for future in wait([*rounds, *steady], 1, FIRST_EXCEPTION).done:
                        future.result()  # an error in the soak itself must not look like a good result
                    self.show()
            except BaseException:
                self.target.stop.set()
                raise
            finally:
                done.set()
        for future in steady:
            future.result()

    def _repeat(self, play: Callable[[], None], end: float) -> None:
        for number in count():
            if self.target.stop.is_set() or (number >= self.plan.rounds and time.monotonic() >= end):
                return
            play()
            self.target.stop.wait(min(self.plan.pause, max(0.0, end - time.monotonic())))

    def _steadily(self, seed: int, done: threading.Event) -> None:
        chance = random.Random(seed)  # noqa: S311
        while not self.target.stop.is_set():
            steadily(self.target, chance)
            if done.is_set():
                return

    def _settled(self) -> State | None:
        """The state of the service, once it does not change any more."""
        found, end = None, time.monotonic() + _SETTLES_IN
        while time.monotonic() < end:
            last = found
            with suppress(psutil.Error):  # a process ended meanwhile
                found = state(self.service)
                if last and last.countable == found.countable:
                    return found
            time.sleep(1)
        return found
