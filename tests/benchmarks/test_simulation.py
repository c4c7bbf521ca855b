"""The simulation: the batcher's rule, queueing theory, the autoscaler's rules, and that no request is lost."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import pytest
from dotenv import dotenv_values
from simpy import Environment, Event

from benchmarks.simulation import day
from benchmarks.simulation.autoscaler import FILE, Autoscaler, Rules
from benchmarks.simulation.check import Row, costs
from benchmarks.simulation.cluster import Scenario
from benchmarks.simulation.cluster import simulate as simulate_cluster
from benchmarks.simulation.machine import Load, Seen, seen, simulate
from benchmarks.simulation.pod import Costs, Pod, Request, Shape
from benchmarks.simulation.record import ANSWERED, LATE, REFUSED, Record
from benchmarks.simulation.traffic import HOUR, SPIKE_AT
from benchmarks.simulation.traffic import day as daily

RULES = Rules.read()
MODEL = Costs(request=0.004, batch=0.02, image=0.05)
BUSY_HOUR = Scenario(MODEL, RULES, peak=40, hours=0.4, node_lost_at=600)


def at(env: Environment, moment: float, call: Callable[[], None]) -> Generator[Event, None, None]:
    yield env.timeout(moment)
    call()


def answers(costs: Costs, shape: Shape, arrivals: list[float]) -> list[tuple[float, int]]:
    """When each request is answered, and the size of its batch."""
    env = Environment()
    pod = Pod(env, costs, shape, Random(0))  # noqa: S311 - not for secrets
    found: dict[int, tuple[float, int]] = {}

    def arrive(number: int) -> None:
        def end(request: Request, computed: bool) -> None:
            found[number] = (round(env.now, 6), request.batch if computed else 0)

        pod.send(Request(env.now, end))

    for number, moment in enumerate(arrivals):
        env.process(at(env, moment, partial(arrive, number)))
    env.run()
    return [found[number] for number in range(len(arrivals))]


def test_batches_are_those_of_the_batcher() -> None:
    """One image takes 3 s, two take 4 s, three 5 s; the first finds an idle engine, and the others queue up."""
    found = answers(Costs(0, 2, 1), Shape(cores=1, max_batch=3), [0, 1, 1.5, 2, 2.5, 9, 20])
    assert found == [(3, 1), (8, 3), (8, 3), (8, 3), (11, 1), (14, 1), (23, 1)]


def test_requests_beyond_the_threads_wait_for_one() -> None:
    found = answers(Costs(0, 2, 1), Shape(cores=1, threads=2, max_batch=8), [0, 0.5, 1, 1.5])
    assert found == [(3, 1), (6, 1), (9, 1), (12, 1)] or found == [(3, 1), (6, 1), (10, 2), (10, 2)]


def test_late_in_a_long_simulation_everything_still_ends() -> None:
    """The clock is coarse then: work that is shorter than its steps must not be left over for ever."""
    found = answers(MODEL, Shape(), [1e6 + number / 97 for number in range(300)])
    assert len(found) == 300


def test_request_that_waited_too_long_is_not_computed() -> None:
    found = answers(Costs(0, 0, 4), Shape(cores=1, max_batch=1, request_timeout=5), [0, 1, 2])
    assert found == [(4, 1), (8, 1), (8, 0)]


def test_threads_share_the_cores_equally() -> None:
    """A decoding thread takes a third of two cores from an engine with two threads."""
    found = answers(Costs(1, 0, 4), Shape(cores=2, max_batch=1), [0, 1])
    # Decoded at 1, and computing at two cores' speed until the second arrives at once: 3 threads for 1.5 s, one unit
    # of work at 2/3 of a core; then 2 units of the engine are left for two cores.
    assert found == [(3.5, 1), (5.5, 1)]


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_single_server_waits_as_long_as_queueing_theory_says(load: float) -> None:
    """M/D/1: the mean wait is load / (1 - load) / 2 service times."""
    service = 0.01
    shape = Shape(cores=1, threads=1_000_000, max_batch=1, request_timeout=1e9)
    taken = simulate(Costs(0, 0, service), shape, Load(rate=load / service), 1500)
    wait = sum(taken) / len(taken) - service
    assert wait == pytest.approx(load / (1 - load) / 2 * service, rel=0.06)


def test_closed_clients_obey_littles_law() -> None:
    taken = simulate(MODEL, Shape(), Load(clients=12), 200)
    found = seen(taken, 200)
    assert found.per_second * sum(taken) / len(taken) == pytest.approx(12, rel=0.02)


def test_costs_are_what_reproduces_the_run_they_come_from() -> None:
    """A lone request and a full batch of eight, computed by hand from the costs."""
    alone, engine = 0.004 + 0.07 / 2, 0.07 / 2
    speed = 2 * 8 / (0.02 + 8 * 0.05 + 8 * 0.004)
    found = costs(alone, engine, speed, 8, 2)
    assert (found.request, found.batch, found.image) == pytest.approx((0.004, 0.02, 0.05))
    assert len(simulate(found, Shape(), Load(clients=16), 100)) / 100 == pytest.approx(speed, rel=0.03)


def test_difference_is_relative_to_what_was_measured() -> None:
    row = Row("8 clients", Seen(50, 0.1, 0.2), Seen(45, 0.1, 0.25))
    assert row.differences == pytest.approx([-0.1, 0, 0.25])


def outcome(record: Record) -> list[tuple[int, dict[str, int], float]]:
    return [(minute.arrived, dict(minute.ended), sum(minute.seconds)) for minute in record.minutes]


def test_same_seed_gives_the_same_day_and_another_seed_another_one() -> None:
    first, again, other = (simulate_cluster(BUSY_HOUR, seed) for seed in (1, 1, 2))
    assert outcome(first) == outcome(again)
    assert outcome(first) != outcome(other)


def test_no_request_is_lost_when_a_node_is() -> None:
    """The last requests come 100 seconds before the end, so that all of them have ended."""
    scenario = replace(BUSY_HOUR, rate=lambda now: 40 if now < 0.4 * HOUR - 100 else 0)
    record = simulate_cluster(scenario)
    assert record.arrived > 50_000 / 2
    assert sum(record.ended.values()) == record.arrived
    assert set(record.ended) <= {ANSWERED, REFUSED, LATE}
    ready = [minute.ready for minute in record.minutes]
    assert min(ready[:9]) >= 2 and min(ready) < 2, "both pods of the node are gone for a time"
    assert ready[-3] >= 2


def test_overload_is_refused_and_counted() -> None:
    rules = replace(RULES, least=1, most=1)
    record = simulate_cluster(replace(BUSY_HOUR, rules=rules, hours=0.05, rate=lambda _now: 80, node_lost_at=1e9))
    assert record.ended[REFUSED] + record.ended[LATE] > 0
    assert 0 < record.arrived - sum(record.ended.values()) <= BUSY_HOUR.room


def test_rules_are_those_of_the_manifest() -> None:
    text = FILE.read_text("utf-8")
    assert f"minReplicas: {RULES.least}\n" in text
    assert f"maxReplicas: {RULES.most}\n" in text
    assert f"averageUtilization: {RULES.target * 100:.0f}\n" in text
    assert RULES.up_factor == 2
    settings = dotenv_values(FILE.with_name("settings.env"))
    queue, edges = int(settings["QUEUE_SIZE"] or 0), 2
    assert "replicas: 2\n" in FILE.with_name("edge.yaml").read_text("utf-8")
    assert BUSY_HOUR.room == edges * (queue - queue // 8)
    assert BUSY_HOUR.shape.request_timeout == float(settings["REQUEST_TIMEOUT"] or 0)


@pytest.mark.parametrize(
    ("current", "used", "wanted"),
    [
        (2, [0.7, 0.7], 2),
        (2, [0.75, 0.75], 2),  # within the tolerance
        (2, [1.0, 1.0], 3),
        (4, [1.0] * 4, 6),
        (6, [1.0] * 6, 9),
        (10, [1.0] * 10, 10),
        (4, [1.0, 1.0], 4),  # the two that start count as idle
        (4, [0.1, 0.1, 0.1], 4),  # not yet: it was as high within the window
    ],
)
def test_autoscaler_decides_as_kubernetes(current: int, used: list[float], wanted: int) -> None:
    scaler = Autoscaler(RULES)
    scaler.replicas(0, current, [0.7] * current)
    assert scaler.replicas(15, current, used) == wanted


def test_autoscaler_removes_one_pod_a_minute_after_five_minutes() -> None:
    scaler, pods, seen_pods = Autoscaler(RULES), 8, []
    scaler.replicas(0, pods, [0.7] * pods)
    for number in range(1, 41):
        pods = scaler.replicas(number * 15, pods, [0.1] * pods)
        seen_pods.append(pods)
    assert seen_pods[:19] == [8] * 19
    assert [seen_pods[number] for number in (20, 24, 28, 32, 36)] == [7, 6, 5, 4, 3]


def test_spike_doubles_what_comes() -> None:
    rate = daily(100)
    assert rate(SPIKE_AT + 300) == pytest.approx(2 * rate(SPIKE_AT - 1), rel=0.05)
    assert max(rate(minute * 60.0) for minute in range(24 * 60)) <= 200


def test_day_is_drawn_and_summarised(tmp_path: Path) -> None:
    scenario = replace(day.scenario(MODEL, peak=20, hours=0.2), node_lost_at=60)
    text = day.run(scenario, 0, tmp_path / "day.svg")
    assert text.splitlines()[2].startswith("| the whole day |")
    assert ET.parse(tmp_path / "day.svg").getroot().tag.endswith("svg")  # noqa: S314
