"""Which pictures are computed together, in which order, and which never.

A gate in front of a real engine holds a batch up for as long as a test wants, so that nothing here depends on time.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from queue import Queue

import numpy as np
import pytest
from numpy.typing import NDArray

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.engines.base import Engine, load_engine
from my_inference_app.errors import ClientGone, DeadlineExceeded, Overloaded
from my_inference_app.inference.batching import Abandoned, Batcher, Job

Picture = NDArray[np.uint8]
POISON = 255


def numbered(number: int) -> Picture:
    """A picture that the model's answer tells from 255 others."""
    return np.full((32, 32, 3), (number, 255 - number, 0), np.uint8)


def number_of(job: Job) -> int:
    """The number of the picture this is the answer to: the model's is 4 * (colour - 127) / 128."""
    assert job.error is None and job.logits is not None
    red, green, _ = job.logits * 32 + 127
    assert red + green == pytest.approx(255, abs=0.1)
    return round(float(red))


class Gate:
    """An engine that says when it begins, and goes on when it is told to."""

    def __init__(self, engine: Engine) -> None:
        self.batches: list[list[int]] = []
        self.threads: list[int] = []
        self._engine = engine
        self._begun: Queue[None] = Queue()
        self._opened = threading.Event()

    def __call__(self, pictures: Picture) -> NDArray[np.float32]:
        self.batches.append([int(picture[0, 0, 0]) for picture in pictures])
        self.threads.append(threading.get_ident())
        self._begun.put(None)
        assert self._opened.wait(60)
        if POISON in pictures[:, 0, 0, 0]:
            raise ValueError("poison")
        return self._engine(pictures)

    def wait_for_batch(self) -> None:
        self._begun.get(timeout=60)

    def open(self) -> None:
        self._opened.set()


class Users:
    """Send requests, each on a thread of its own."""

    def __init__(self, batcher: Batcher, pool: ThreadPoolExecutor) -> None:
        self._batcher = batcher
        self._pool = pool

    def send(
        self, *numbers: int, deadline: float | None = None, abandoned: Abandoned = lambda: False
    ) -> Future[list[Job]]:
        end = time.monotonic() + 60 if deadline is None else deadline
        return self._pool.submit(self._batcher.run, [numbered(number) for number in numbers], end, abandoned)

    def queue(self, *numbers: int, abandoned: Abandoned = lambda: False) -> Future[list[Job]]:
        """Sends while all engines are busy; returns when the request has its place in the queue."""
        waiting = self._batcher.waiting + len(numbers)
        sent = self.send(*numbers, abandoned=abandoned)
        end = time.monotonic() + 60
        while self._batcher.waiting < waiting:
            assert time.monotonic() < end and not sent.done()
            time.sleep(0.001)
        return sent


def numbers_of(*sent: Future[list[Job]]) -> list[int]:
    return [number_of(job) for request in sent for job in request.result(60)]


@pytest.fixture(scope="module")
def load(tiny: Bundle) -> Callable[[], Engine]:
    # In full precision: bf16 would not tell neighbouring numbers apart.
    return lambda: load_engine(tiny, "openvino", threads=1, precision="f32")


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as pool:
        yield pool


@pytest.fixture
def gate(load: Callable[[], Engine], pool: ThreadPoolExecutor) -> Iterator[Gate]:  # noqa: ARG001 (ends before the pool)
    gate = Gate(load())
    yield gate
    gate.open()


second_gate = gate


@pytest.fixture
def batcher(gate: Gate) -> Batcher:
    return Batcher([gate], max_batch=4, queue_size=8)


@pytest.fixture
def users(batcher: Batcher, pool: ThreadPoolExecutor) -> Users:
    return Users(batcher, pool)


@pytest.fixture
def busy(gate: Gate, users: Users) -> Future[list[Job]]:
    """A request that is being computed."""
    sent = users.send(100)
    gate.wait_for_batch()
    return sent


def test_a_lone_request_computes_at_once_on_its_own_thread(batcher: Batcher, gate: Gate) -> None:
    gate.open()
    for number in (7, 8):
        (job,) = batcher.run([numbered(number)], time.monotonic() + 60)
        assert number_of(job) == number
        assert job.entered <= job.started <= job.finished
    assert gate.batches == [[7], [8]]
    assert set(gate.threads) == {threading.get_ident()}


def test_no_pictures_are_no_work(batcher: Batcher, gate: Gate) -> None:
    assert batcher.run([], time.monotonic() + 60) == []
    assert gate.batches == []


def test_requests_that_arrive_meanwhile_are_computed_together_first_come_first_served(
    gate: Gate, users: Users, busy: Future[list[Job]]
) -> None:
    sent = [users.queue(number) for number in range(7)]
    gate.open()
    assert numbers_of(busy, *sent) == [100, *range(7)]
    assert gate.batches == [[100], [0, 1, 2, 3], [4, 5, 6]]


def test_pictures_of_one_request_stay_together_where_they_fit(
    gate: Gate, users: Users, busy: Future[list[Job]]
) -> None:
    sent = [users.queue(0, 1, 2), users.queue(3, 4, 5), users.queue(6)]
    gate.open()
    assert numbers_of(busy, *sent) == [100, *range(7)]
    assert gate.batches == [[100], [0, 1, 2, 3], [4, 5, 6]]


def test_a_large_request_is_computed_in_several_batches(batcher: Batcher, gate: Gate) -> None:
    gate.open()
    jobs = batcher.run([numbered(number) for number in range(32)], time.monotonic() + 60)
    assert [number_of(job) for job in jobs] == list(range(32))
    assert [len(batch) for batch in gate.batches] == [4] * 8


def test_a_full_queue_refuses_at_once(batcher: Batcher, gate: Gate, users: Users, busy: Future[list[Job]]) -> None:
    sent = [users.queue(number) for number in range(8)]
    for refused in ([50], [50, 51]):
        with pytest.raises(Overloaded, match="too many pictures are waiting"):
            users.send(*refused).result(60)
    assert batcher.waiting == 8
    gate.open()
    assert numbers_of(busy, *sent) == [100, *range(8)]
    assert numbers_of(users.send(60)) == [60]
    assert not {50, 51} & set(chain(*gate.batches))


def test_a_request_that_does_not_fit_is_refused_as_a_whole(
    batcher: Batcher, gate: Gate, users: Users, busy: Future[list[Job]]
) -> None:
    sent = users.queue(*range(6))
    with pytest.raises(Overloaded):
        users.send(50, 51, 52).result(60)
    assert batcher.waiting == 6
    fits = users.queue(6, 7)
    gate.open()
    assert numbers_of(busy, sent, fits) == [100, *range(8)]


def test_a_request_larger_than_the_queue_waits_for_its_turn_alone(
    gate: Gate, users: Users, busy: Future[list[Job]]
) -> None:
    large = users.queue(*range(20))
    with pytest.raises(Overloaded):
        users.send(50).result(60)
    gate.open()
    assert numbers_of(busy, large) == [100, *range(20)]


@pytest.mark.parametrize("seconds", [-1, 0, 0.03])
def test_what_waited_too_long_is_never_computed(
    batcher: Batcher, gate: Gate, users: Users, busy: Future[list[Job]], seconds: float
) -> None:
    patient = users.queue(1)
    late = users.send(2, 3, deadline=time.monotonic() + seconds)
    assert [type(job.error) for job in late.result(60)] == [DeadlineExceeded] * 2
    assert batcher.waiting == 1
    gate.open()
    assert numbers_of(busy, patient) == [100, 1]
    assert gate.batches == [[100], [1]]


def test_what_is_being_computed_when_its_time_is_over_is_answered(gate: Gate, users: Users) -> None:
    sent = users.send(5, deadline=time.monotonic())
    gate.wait_for_batch()
    gate.open()
    assert numbers_of(sent) == [5]


def test_what_was_abandoned_is_never_computed_wherever_it_waits(
    batcher: Batcher, gate: Gate, users: Users, busy: Future[list[Job]]
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


def test_when_all_have_left_the_engine_is_free_again(gate: Gate, users: Users, busy: Future[list[Job]]) -> None:
    gone = threading.Event()
    left = [users.queue(number, abandoned=gone.is_set) for number in range(8)]
    gone.set()
    assert [type(job.error) for request in left for job in request.result(60)] == [ClientGone] * 8
    gate.open()
    assert numbers_of(busy, users.send(9)) == [100, 9]
    assert gate.batches == [[100], [9]]


def test_who_left_makes_room_in_a_full_queue(
    batcher: Batcher, gate: Gate, users: Users, busy: Future[list[Job]]
) -> None:
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


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_picture_that_fails_does_not_spoil_the_others_of_its_batch(
    gate: Gate, users: Users, busy: Future[list[Job]], place: int
) -> None:
    numbers = [1, 2]
    numbers.insert(place, POISON)
    sent = [users.queue(number) for number in numbers]
    gate.open()
    (failed,) = sent.pop(place).result(60)
    assert isinstance(failed.error, ValueError)
    assert failed.logits is None
    assert numbers_of(busy, *sent) == [100, 1, 2]
    assert numbers_of(users.send(3)) == [3]


def test_a_picture_that_fails_does_not_spoil_the_others_of_its_request(batcher: Batcher, gate: Gate) -> None:
    gate.open()
    first, failed, last = batcher.run([numbered(number) for number in (1, POISON, 2)], time.monotonic() + 60)
    assert isinstance(failed.error, ValueError)
    assert [number_of(first), number_of(last)] == [1, 2]


def test_an_engine_that_answers_for_too_few_is_an_error(load: Callable[[], Engine]) -> None:
    engine = load()
    batcher = Batcher([lambda pictures: engine(pictures)[:-1]], max_batch=4, queue_size=8)
    for job in batcher.run([numbered(1), numbered(2)], time.monotonic() + 60):
        assert isinstance(job.error, ValueError)


def test_every_engine_is_used(gate: Gate, second_gate: Gate, pool: ThreadPoolExecutor) -> None:
    users = Users(Batcher([gate, second_gate], max_batch=4, queue_size=8), pool)
    first, second = users.send(1), users.send(2)
    gate.wait_for_batch()
    second_gate.wait_for_batch()
    waiting = [users.queue(3), users.queue(4)]
    gate.open()
    assert numbers_of(*waiting) == [3, 4]
    assert [gate.batches[1:], len(second_gate.batches)] == [[[3, 4]], 1]
    second_gate.open()
    assert numbers_of(first, second) == [1, 2]


def test_a_batch_waits_to_become_full_where_that_is_wanted(gate: Gate, pool: ThreadPoolExecutor) -> None:
    """With a delay far longer than the test: it goes on because it is full, not because the time is over."""
    users = Users(Batcher([gate], max_batch=3, queue_size=8, delay=60), pool)
    sent = [users.send(1), users.send(2), users.send(3)]
    gate.open()
    assert numbers_of(*sent) == [1, 2, 3]
    assert [sorted(batch) for batch in gate.batches] == [[1, 2, 3]]


@pytest.mark.parametrize("engines", [1, 2, 3])
def test_many_users_each_get_their_own_answers(
    load: Callable[[], Engine], pool: ThreadPoolExecutor, engines: int
) -> None:
    gates = [Gate(load()) for _ in range(engines)]
    for gate in gates:
        gate.open()
    batcher = Batcher(gates, max_batch=4, queue_size=1000)
    users = Users(batcher, pool)
    wanted = [[(7 * user + picture) % 255 for picture in range(user % 4 + 1)] for user in range(600)]
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
