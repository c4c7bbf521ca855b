"""Several engines: the batches of one request run side by side, and no engine is idle while an image waits."""

from __future__ import annotations

import pytest

from my_inference_app.inference.batching import Batcher
from tests.inference.gates import POISON, Gate, Users, numbers_of, until


@pytest.fixture
def batcher(gate: Gate, second_gate: Gate) -> Batcher:
    return Batcher([gate, second_gate], max_batch=4, queue_size=32)


def test_two_requests_are_computed_on_two_engines(gate: Gate, second_gate: Gate, users: Users) -> None:
    first, second = users.send(1), users.send(2)
    gate.wait_for_batch()
    second_gate.wait_for_batch()
    waiting = [users.queue(3), users.queue(4)]
    gate.open()
    assert numbers_of(*waiting) == [3, 4]
    assert [gate.batches[1:], len(second_gate.batches)] == [[[3, 4]], 1]
    second_gate.open()
    assert numbers_of(first, second) == [1, 2]


def test_batches_of_one_request_run_side_by_side(gate: Gate, second_gate: Gate, users: Users) -> None:
    sent = users.send(*range(8))
    gate.wait_for_batch()
    second_gate.wait_for_batch()  # the first one is still closed
    gate.open()
    second_gate.open()
    assert numbers_of(sent) == list(range(8))
    assert sorted(gate.batches + second_gate.batches) == [[0, 1, 2, 3], [4, 5, 6, 7]]


@pytest.mark.parametrize("images", [1, 3, 4])
def test_lone_request_gets_the_engine_that_another_request_leaves_idle(
    gate: Gate, second_gate: Gate, users: Users, images: int
) -> None:
    large = users.send(*range(images))
    until(lambda: gate.batches or second_gate.batches)
    busy, idle = (gate, second_gate) if gate.batches else (second_gate, gate)
    idle.open()
    assert numbers_of(users.send(50)) == [50]
    assert not large.done()
    busy.open()
    assert numbers_of(large) == list(range(images))
    assert [busy.batches, idle.batches] == [[list(range(images))], [[50]]]


@pytest.mark.parametrize("turns", [(0, 1), (1, 0), (0, 0), (1, 1)])
def test_large_request_is_computed_on_whichever_engine_is_idle_and_keeps_its_place(
    gate: Gate, second_gate: Gate, users: Users, turns: tuple[int, int]
) -> None:
    """Of its twelve images four are in the queue, and a lone request is behind them."""
    large = users.send(*range(12))
    gates = (gate, second_gate)
    for each in gates:
        each.wait_for_batch()
    lone = users.queue(50)
    for turn in turns:
        gates[turn].let_through()
        gates[turn].wait_for_batch()
    third, fourth = ([batch for each in gates for batch in each.batches[1:] if number in batch] for number in (8, 50))
    assert [third, fourth] == [[[8, 9, 10, 11]], [[50]]]
    for each in gates:
        each.open()
    assert numbers_of(large, lone) == [*range(12), 50]


def test_request_leads_a_batch_while_its_other_images_are_in_anothers_batch(
    gate: Gate, second_gate: Gate, users: Users
) -> None:
    first, second = users.send(100), users.send(101)
    gate.wait_for_batch()
    second_gate.wait_for_batch()
    small, large = users.queue(0), users.queue(1, 2, 3, 4, 5)
    gate.let_through()
    gate.wait_for_batch()
    second_gate.open()
    until(lambda: second_gate.batches[1:] == [[4, 5]])
    assert gate.batches[1:] == [[0, 1, 2, 3]]
    gate.open()
    assert numbers_of(first, second, small, large) == [100, 101, 0, 1, 2, 3, 4, 5]


def test_failing_image_spoils_neither_its_batch_nor_the_one_beside(gate: Gate, second_gate: Gate, users: Users) -> None:
    for numbers in ([0, POISON, 2, 3, 4, 5, 6, 7], [0, 1, 2, 3, 4, POISON, 6, 7]):
        sent = users.send(*numbers)
        gate.open()
        second_gate.open()
        jobs = sent.result(60)
        assert [isinstance(job.error, ValueError) for job in jobs] == [number == POISON for number in numbers]
    assert numbers_of(users.send(*range(16))) == list(range(16))
