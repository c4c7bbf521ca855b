"""A day of a cluster: pods behind nginx, more or fewer of them as the autoscaler says, and a node that is lost."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from random import Random

from simpy import Environment, Event

from .autoscaler import SYNC, Autoscaler, Rules
from .edge import Edge, Upstream
from .pod import Costs, Pod, Shape
from .record import Record
from .traffic import HOUR, day, opened

Process = Generator[Event, None, None]


@dataclass(frozen=True)
class Scenario:
    costs: Costs
    rules: Rules
    peak: float
    """Requests per second in the afternoon. The spike doubles what comes in the evening."""
    shape: Shape = Shape()
    room: int = 448
    """Requests that two nginx let a pod have: QUEUE_SIZE without its eighth, of each."""
    hours: float = 24.0
    start_seconds: float = 20.0
    """From the autoscaler's decision until nginx sends requests to the new pod."""
    node_lost_at: float = 12 * HOUR
    pods_of_node: int = 2
    noticed_after: float = 40.0
    """Until Kubernetes takes the pods of a lost node out of the Service."""
    replaced_after: float = 30.0
    """Until it starts others in their place: `tolerationSeconds` in deploy/kubernetes."""
    rate: Callable[[float], float] | None = None
    """Instead of the daily curve; never above twice the peak."""


@dataclass(eq=False)
class _Member:
    """A pod that the Deployment counts."""

    upstream: Upstream | None = None
    busy: float = 0.0
    """Core-seconds that it had used at the last decision."""


@dataclass
class Cluster:
    env: Environment
    scenario: Scenario
    record: Record
    edge: Edge
    random: Random
    members: list[_Member] = field(default_factory=list)

    def add(self, *, after: float) -> None:
        member = _Member()
        self.members.append(member)
        if after:
            self.env.process(self._start(member, after))
        else:
            self._ready(member)

    def _start(self, member: _Member, seconds: float) -> Process:
        yield self.env.timeout(seconds)
        if member in self.members:  # it was not removed meanwhile
            self._ready(member)

    def _ready(self, member: _Member) -> None:
        member.upstream = self.edge.add(Pod(self.env, self.scenario.costs, self.scenario.shape, self.random))

    def remove(self) -> None:
        """The newest one, and first of all one that is not ready: as Kubernetes chooses."""
        member = min(self.members[::-1], key=lambda member: _working(member))
        self.members.remove(member)
        if member.upstream in self.edge.upstreams:
            self.edge.remove(member.upstream)

    def autoscale(self) -> Process:
        scaler = Autoscaler(self.scenario.rules)
        while True:
            yield self.env.timeout(SYNC)
            used = [self._use(member) for member in self.members if _working(member)]
            wanted = scaler.replicas(self.env.now, len(self.members), used)
            self.record.pods(self.env.now, len(used), wanted)
            for _ in range(wanted - len(self.members)):
                self.add(after=self.scenario.start_seconds)
            for _ in range(len(self.members) - wanted):
                self.remove()

    def _use(self, member: _Member) -> float:
        """The share of its cores since the last decision."""
        assert member.upstream
        busy = member.upstream.pod.cores.up_to_now()
        share = (busy - member.busy) / SYNC / self.scenario.shape.cores
        member.busy = busy
        return share

    def lose_node(self) -> Process:
        yield self.env.timeout(self.scenario.node_lost_at)
        gone = [member for member in self.members if member.upstream][: self.scenario.pods_of_node]
        lost = [member.upstream for member in gone if member.upstream]
        for upstream in lost:
            self.edge.lose(upstream)
        yield self.env.timeout(self.scenario.noticed_after)
        for upstream in lost:
            if upstream in self.edge.upstreams:
                self.edge.remove(upstream)
        yield self.env.timeout(self.scenario.replaced_after)
        for member in gone:
            if member in self.members:
                self.members.remove(member)
                self.add(after=self.scenario.start_seconds)


def _working(member: _Member) -> bool:
    return member.upstream is not None and not member.upstream.lost


def simulate(scenario: Scenario, seed: int = 0) -> Record:
    env, random, record = Environment(), Random(seed), Record()  # noqa: S311 - a simulation
    edge = Edge(env, random, room=scenario.room, request_timeout=scenario.shape.request_timeout)
    cluster = Cluster(env, scenario, record, edge, random)
    for _ in range(scenario.rules.least):
        cluster.add(after=0.0)

    def send() -> None:
        record.arrive(env.now)
        edge.send(lambda how, seconds: record.end(env.now, how, seconds))

    env.process(opened(env, send, scenario.rate or day(scenario.peak), 2 * scenario.peak, random))
    env.process(cluster.autoscale())
    env.process(cluster.lose_node())
    env.run(until=scenario.hours * HOUR)
    return record
