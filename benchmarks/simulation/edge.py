"""nginx in front of the pods, with the rules of nginx/upstreams.sh for several hosts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

from simpy import Environment, Event

from .pod import Pod, Request
from .record import ANSWERED, LATE, REFUSED

_CONNECT_TIMEOUT, _FAIL_TIMEOUT = 2.0, 2.0
_SLACK = 5.0
"""How much longer than REQUEST_TIMEOUT nginx waits for a response."""

Done = Callable[[str, float], None]
"""Called with how a request ended, and the seconds it took."""


@dataclass(eq=False)
class Upstream:
    pod: Pod
    lost: bool = False
    connections: int = 0
    down_until: float = 0.0
    held: set[_Sent] = field(default_factory=set)
    """Requests that it has not answered yet."""


@dataclass(eq=False)
class _Sent:
    """A request on its way, from its arrival at nginx to its response."""

    arrived: float
    done: Done
    repeated: bool = False


class Edge:
    """Sends each request to the pod with the fewest, and a second time if that pod does not answer.

    Where a pod is gone without a word, a new connection to it fails after two seconds. It then gets nothing for two
    seconds. Requests that it had already are sent again when they have waited for REQUEST_TIMEOUT and five seconds.
    """

    def __init__(self, env: Environment, random: Random, *, room: int, request_timeout: float) -> None:
        self._env = env
        self._random = random
        self._room = room
        self._patience = request_timeout + _SLACK
        self.upstreams: list[Upstream] = []

    def add(self, pod: Pod) -> Upstream:
        self.upstreams.append(upstream := Upstream(pod))
        return upstream

    def remove(self, upstream: Upstream) -> None:
        """It finishes what it has."""
        self.upstreams.remove(upstream)

    def lose(self, upstream: Upstream) -> None:
        """Its node is gone. The edge does not know it yet."""
        upstream.lost = True
        upstream.pod.cores.stop()
        for sent in upstream.held:
            self._later(self._patience, partial(self._give_up, sent, upstream))
        upstream.held.clear()

    def send(self, done: Done) -> None:
        self._pass_on(_Sent(self._env.now, done))

    @property
    def in_progress(self) -> int:
        return sum(upstream.connections for upstream in self.upstreams)

    def _pass_on(self, sent: _Sent) -> None:
        upstream = self._choose()
        if not upstream:
            self._end(sent, REFUSED)
            return
        upstream.connections += 1
        if upstream.lost:
            self._later(_CONNECT_TIMEOUT, partial(self._not_connected, sent, upstream))
            return
        upstream.held.add(sent)
        upstream.pod.send(Request(self._env.now, partial(self._answer, sent, upstream)))

    def _choose(self) -> Upstream | None:
        now = self._env.now
        able = [up for up in self.upstreams if up.connections < self._room and up.down_until <= now]
        fewest = min((up.connections for up in able), default=0)
        return self._random.choice([up for up in able if up.connections == fewest]) if able else None

    def _answer(self, sent: _Sent, upstream: Upstream, _request: Request, computed: bool) -> None:
        upstream.held.discard(sent)
        upstream.connections -= 1
        self._end(sent, ANSWERED if computed else LATE)

    def _not_connected(self, sent: _Sent, upstream: Upstream) -> None:
        self._failed(upstream)
        self._pass_on(sent)

    def _give_up(self, sent: _Sent, upstream: Upstream) -> None:
        self._failed(upstream)
        if sent.repeated:
            self._end(sent, LATE)
        else:
            sent.repeated = True
            self._pass_on(sent)

    def _failed(self, upstream: Upstream) -> None:
        upstream.connections -= 1
        upstream.down_until = self._env.now + _FAIL_TIMEOUT

    def _end(self, sent: _Sent, how: str) -> None:
        sent.done(how, self._env.now - sent.arrived)

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        def wake(_event: Event) -> None:
            call()

        alarm = self._env.timeout(seconds)
        assert alarm.callbacks is not None
        alarm.callbacks.append(wake)
