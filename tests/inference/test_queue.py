"""Requests that wait for an engine: too many, too long, or without a client."""

from __future__ import annotations

import threading
import time
from itertools import chain

import pytest

from my_inference_app.errors import ClientGone, DeadlineExceeded, Overloaded
from my_inference_app.inference.batching import Batcher
from tests.inference.gates import Gate, Sent, Users, numbers_of, until


def test_full_queue_refuses_at_once(batcher: Batcher, gate: Gate, users: Users, busy: Sent) -> None:
    sent = [users.queue(number) for number in range(8)]
    for refused in ([50], [50, 51]):
        with pytest.raises(Overloaded, match="too many images are waiting"):
            users.send(*refused).result(60)
    assert batcher.waiting == 8
    gate.open()
    assert numbers_of(busy, *sent) == [100, *range(8)]
    assert numbers_of(users.send(60)) == [60]
    assert not {50, 51} & set(chain(*gate.batches))


def test_request_that_does_not_fit_is_refused_as_a_whole(
    batcher: Batcher, gate: Gate, users: Users, busy: Sent
) -> None:
    sent = users.queue(*range(6))
    with pytest.raises(Overloaded):
        users.send(50, 51, 52).result(60)
    assert batcher.waiting == 6
    fits = users.queue(6, 7)
    gate.open()
    assert numbers_of(busy, sent, fits) == [100, *range(8)]


def test_request_larger_than_the_queue_is_accepted_if_no_other_waits(gate: Gate, users: Users, busy: Sent) -> None:
    large = users.queue(*range(20))
    with pytest.raises(Overloaded):
        users.send(50).result(60)
    gate.open()
    assert numbers_of(busy, large) == [100, *range(20)]


@pytest.mark.parametrize("seconds", [-1, 0, 0.03])
def test_request_past_its_deadline_is_not_computed(
    batcher: Batcher, gate: Gate, users: Users, busy: Sent, seconds: float
) -> None:
    patient = users.queue(1)
    late = users.send(2, 3, deadline=time.monotonic() + seconds)
    assert [type(job.error) for job in late.result(60)] == [DeadlineExceeded] * 2
    assert batcher.waiting == 1
    gate.open()
    assert numbers_of(busy, patient) == [100, 1]
    assert gate.batches == [[100], [1]]


def test_request_that_passes_its_deadline_in_the_engine_is_answered(gate: Gate, users: Users) -> None:
    sent = users.send(5, deadline=time.monotonic())
    gate.wait_for_batch()
    gate.open()
    assert numbers_of(sent) == [5]


def test_abandoned_request_is_not_computed_wherever_it_waits(
    batcher: Batcher, gate: Gate, users: Users, busy: Sent
) -> None:
    gone = threading.Event()
    patient = [users.queue(number) for number in (1, 2)]
    left = [users.queue(*numbers, abandoned=gone.is_set) for numbers in ((3,), (4, 5))]
    patient.append(users.queue(6))
    gone.set()
    assert [type(job.error) for request in left for job in request.result(60)] == [ClientGone] * 3
    gate.open()
    assert numbers_of(busy, *patient) == [100, 1, 2, 6]
    assert gate.batches == [[100], [1, 2, 6]]
    assert batcher.waiting == 0


def test_engine_is_idle_again_when_all_waiting_requests_are_abandoned(gate: Gate, users: Users, busy: Sent) -> None:
    gone = threading.Event()
    left = [users.queue(number, abandoned=gone.is_set) for number in range(8)]
    gone.set()
    assert [type(job.error) for request in left for job in request.result(60)] == [ClientGone] * 8
    gate.open()
    assert numbers_of(busy, users.send(9)) == [100, 9]
    assert gate.batches == [[100], [9]]


def test_abandoned_request_makes_room_in_a_full_queue(batcher: Batcher, gate: Gate, users: Users, busy: Sent) -> None:
    gone = threading.Event()
    left = users.queue(*range(6), abandoned=gone.is_set)
    patient = users.queue(6, 7)
    with pytest.raises(Overloaded):
        users.send(50).result(60)
    gone.set()
    assert [type(job.error) for job in left.result(60)] == [ClientGone] * 6
    late = users.queue(8, 9)
    gate.open()
    assert numbers_of(busy, patient, late) == [100, 6, 7, 8, 9]
    assert gate.batches == [[100], [6, 7, 8, 9]]
    assert batcher.waiting == 0


def test_abandoned_request_is_computed_only_as_far_as_it_was_started(
    batcher: Batcher, gate: Gate, users: Users, busy: Sent
) -> None:
    gone = threading.Event()
    first, left = users.queue(0), users.queue(1, 2, 3, 4, 5, abandoned=gone.is_set)
    gate.let_through()
    gate.wait_for_batch()
    gone.set()
    until(lambda: batcher.waiting == 0)
    gate.open()
    assert numbers_of(busy, first) == [100, 0]
    assert [job.error and type(job.error) for job in left.result(60)] == [None] * 3 + [ClientGone] * 2
    assert gate.batches == [[100], [0, 1, 2, 3]]
