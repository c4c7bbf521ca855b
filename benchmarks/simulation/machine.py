"""A single pod without nginx's rules, under clients as benchmarks use them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from random import Random

from simpy import Environment, Event

from .pod import Costs, Pod, Request, Shape
from .record import percentile


@dataclass(frozen=True)
class Load:
    """So many clients that each wait for their response, or so many arrivals a second."""

    clients: int = 0
    rate: float = 0.0

    def __str__(self) -> str:
        return f"{self.clients} clients" if self.clients else f"{self.rate:.0f} requests/s"


@dataclass(frozen=True)
class Seen:
    per_second: float
    p50: float
    p95: float


def seen(seconds: list[float], duration: float) -> Seen:
    return Seen(len(seconds) / duration, percentile(seconds, 0.5), percentile(seconds, 0.95))


def arrivals(rate: float, duration: float, seed: int) -> Iterator[float]:
    """Moments at random, independent of each other."""
    random, now = Random(seed), 0.0  # noqa: S311 - a simulation
    while (now := now + random.expovariate(rate)) < duration:
        yield now


def simulate(costs: Costs, shape: Shape, load: Load, duration: float, seed: int = 0) -> list[float]:
    """The seconds that each answered request took."""
    env = Environment()
    pod = Pod(env, costs, shape, Random(seed))  # noqa: S311 - a simulation
    taken: list[float] = []

    def send() -> None:
        pod.send(Request(env.now, end))

    def end(request: Request, computed: bool) -> None:
        if computed:
            taken.append(env.now - request.arrived)
        if load.clients:
            send()

    for _ in range(load.clients):
        send()
    if load.rate:
        env.process(_come(env, send, arrivals(load.rate, duration, seed)))
    env.run(until=duration)
    return taken


def _come(env: Environment, send: Callable[[], None], moments: Iterator[float]) -> Generator[Event, None, None]:
    for moment in moments:
        yield env.timeout(moment - env.now)
        send()
