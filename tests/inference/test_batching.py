"""Which images are computed together, and in which order."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest

from my_inference_app.engines.base import Engine
from my_inference_app.errors import DeadlineExceeded, Overloaded
from my_inference_app.inference.batching import Batcher
from my_inference_app.watchdog import InFlight
from tests.inference.gates import POISON, Gate, Sent, Users, number_of, numbered, numbers_of, patient


def test_lone_request_is_computed_at_once_on_its_own_thread(batcher: Batcher, gate: Gate) -> None:
    gate.open()
    for number in (7, 8):
        (job,) = batcher.run([numbered(number)], patient())
        assert number_of(job) == number
        assert job.entered <= job.started <= job.finished
    assert gate.batches == [[7], [8]]
    assert set(gate.threads) == {threading.get_ident()}


def test_request_without_images_computes_nothing(batcher: Batcher, gate: Gate) -> None:
    assert batcher.run([], patient()) == []
    assert gate.batches == []


def test_waiting_requests_are_computed_together_first_come_first_served(gate: Gate, users: Users, busy: Sent) -> None:
    sent = [users.queue(number) for number in range(7)]
    gate.open()
    assert numbers_of(busy, *sent) == [100, *range(7)]
    assert gate.batches == [[100], [0, 1, 2, 3], [4, 5, 6]]


def test_images_of_one_request_stay_together_if_they_fit(gate: Gate, users: Users, busy: Sent) -> None:
    sent = [users.queue(0, 1, 2), users.queue(3, 4, 5), users.queue(6)]
    gate.open()
    assert numbers_of(busy, *sent) == [100, *range(7)]
    assert gate.batches == [[100], [0, 1, 2, 3], [4, 5, 6]]


def test_large_request_is_computed_in_several_batches_on_one_thread(batcher: Batcher, gate: Gate) -> None:
    gate.open()
    jobs = batcher.run([numbered(number) for number in range(32)], patient())
    assert [number_of(job) for job in jobs] == list(range(32))
    assert [len(batch) for batch in gate.batches] == [4] * 8
    assert set(gate.threads) == {threading.get_ident()}


@pytest.mark.parametrize("place", [0, 1, 2])
def test_failing_image_does_not_spoil_the_others_of_its_batch(gate: Gate, users: Users, busy: Sent, place: int) -> None:
    numbers = [1, 2]
    numbers.insert(place, POISON)
    sent = [users.queue(number) for number in numbers]
    gate.open()
    (failed,) = sent.pop(place).result(60)
    assert isinstance(failed.error, ValueError)
    assert failed.logits is None
    assert numbers_of(busy, *sent) == [100, 1, 2]
    assert numbers_of(users.send(3)) == [3]


def test_failing_image_does_not_spoil_the_others_of_its_request(batcher: Batcher, gate: Gate) -> None:
    gate.open()
    first, failed, last = batcher.run([numbered(number) for number in (1, POISON, 2)], patient())
    assert isinstance(failed.error, ValueError)
    assert [number_of(first), number_of(last)] == [1, 2]


def test_engine_that_returns_too_few_rows_is_an_error(load: Callable[[], Engine]) -> None:
    engine = load()
    batcher = Batcher([lambda images: engine(images)[:-1]], max_batch=4, queue_size=8)
    for job in batcher.run([numbered(1), numbered(2)], patient()):
        assert isinstance(job.error, ValueError)


def test_batch_waits_to_become_full_if_there_is_a_delay(gate: Gate, pool: ThreadPoolExecutor) -> None:
    """The delay is far longer than the test: the batch is computed because it is full."""
    users = Users(Batcher([gate], max_batch=3, queue_size=8, delay=60), pool)
    sent = [users.send(1), users.send(2), users.send(3)]
    gate.open()
    assert numbers_of(*sent) == [1, 2, 3]
    assert [sorted(batch) for batch in gate.batches] == [[1, 2, 3]]


def test_only_what_an_engine_works_on_counts_as_computing(gate: Gate, pool: ThreadPoolExecutor) -> None:
    in_flight = InFlight()
    users = Users(Batcher([gate], max_batch=4, queue_size=8, computing=in_flight.computing), pool)
    sent = users.send(1)
    gate.wait_for_batch()
    waiting = [users.queue(2), users.queue(3)]
    assert (in_flight.computations(), in_flight.hanging(0)) == (1, 1)
    gate.open()
    assert numbers_of(sent, *waiting) == [1, 2, 3]
    assert in_flight.computations() == 0


@pytest.mark.parametrize("engines", [1, 2, 3])
def test_many_users_each_get_their_own_answers(
    load: Callable[[], Engine], pool: ThreadPoolExecutor, engines: int
) -> None:
    gates = [Gate(load()) for _ in range(engines)]
    for gate in gates:
        gate.open()
    batcher = Batcher(gates, max_batch=4, queue_size=1000)
    users = Users(batcher, pool)
    wanted = [[(7 * user + image) % 255 for image in range(user % 11 + 1)] for user in range(300)]
    sent = [users.send(*numbers) for numbers in wanted]
    assert [numbers_of(request) for request in sent] == wanted
    batches = [batch for gate in gates for batch in gate.batches]
    assert sorted(chain(*batches)) == sorted(chain(*wanted))
    assert max(map(len, batches)) <= 4
    assert batcher.waiting == 0


def test_no_answer_is_mistaken_and_no_engine_lost_under_overload(
    load: Callable[[], Engine], pool: ThreadPoolExecutor
) -> None:
    gates = [Gate(load()), Gate(load())]
    for gate in gates:
        gate.open()
    batcher = Batcher(gates, max_batch=3, queue_size=4)
    users = Users(batcher, pool)
    chance = random.Random(0)  # noqa: S311
    sent = {}
    for index in range(1000):
        number = POISON if index % 50 == 0 else index % 250
        sent[users.send(number, deadline=time.monotonic() + chance.choice([0, 0.0005, 0.002, 60]))] = number
    for request, number in sent.items():
        if isinstance(request.exception(60), Overloaded):
            continue
        (job,) = request.result()
        if number == POISON:
            assert isinstance(job.error, ValueError | DeadlineExceeded)
        elif not isinstance(job.error, DeadlineExceeded):
            assert number_of(job) == number
    assert batcher.waiting == 0
    for gate in gates:
        gate.batches.clear()
    assert numbers_of(*[users.send(number) for number in (1, 2, 3)]) == [1, 2, 3]
