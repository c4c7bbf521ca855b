"""Requests as they come in the course of a day."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from random import Random

from simpy import Environment, Event


def opened(
    env: Environment, send: Callable[[], None], rate: Callable[[float], float], most: float, random: Random
) -> Generator[Event, None, None]:
    """Arrivals at random, independent of each other, with a rate that changes. It is never above `most`."""
    now = 0.0
    while True:
        now += random.expovariate(most)
        comes = random.random() * most < rate(now)
        if comes or now > env.now + _LONGEST:
            yield env.timeout(now - env.now)
        if comes:
            send()


HOUR = 3600.0
LOWEST, HIGHEST = 0.25, 1.0
QUIETEST = 4 * HOUR
SPIKE_AT, SPIKE_SECONDS, SPIKE = 20 * HOUR, 15 * 60, 2.0
_RAMP = 60.0
_LONGEST = 60.0
"""Seconds without a request, after which the rest of the simulation goes on."""


def day(peak: float) -> Callable[[float], float]:
    """Quiet at night, `peak` in the afternoon, and in the evening twice as many for a quarter of an hour."""

    def rate(now: float) -> float:
        level = 0.5 - 0.5 * math.cos(2 * math.pi * (now - QUIETEST) / (24 * HOUR))
        usual = peak * (LOWEST + (HIGHEST - LOWEST) * level)
        after = now - SPIKE_AT
        ramp = max(0.0, min(1.0, after / _RAMP, (SPIKE_SECONDS - after) / _RAMP))
        return usual * (1 + (SPIKE - 1) * ramp)

    return rate
