"""The cache of results: what is found in it, what is not, and how much it holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pytest

from my_inference_app import metrics
from my_inference_app.errors import DeadlineExceeded, ImageUndecodable, ServiceError
from my_inference_app.inference.answers import Answer, Detail, Result
from my_inference_app.inference.cache import Cache
from my_inference_app.inference.jobs import Image
from tests.conftest import FakeClassifier
from tests.exposition import total

ENTRY = 1000 + 4 * 109
"""Bytes of a result of the fake, with its logits."""


@dataclass
class Counting(FakeClassifier):
    """Notes all images that it was asked for."""

    asked: list[bytes | Image] = field(default_factory=list)

    def classify(
        self,
        images: Sequence[bytes | Image],
        deadline: float,
        abandoned: Callable[[], bool] = lambda: False,
        detail: Detail = Detail.LOGITS,
    ) -> Answer:
        self.asked.extend(images)
        return super().classify(images, deadline, abandoned, detail)


@pytest.fixture
def model() -> Counting:
    return Counting()


@pytest.fixture
def cache() -> Cache:
    return Cache(1 << 20)


def ask(cache: Cache, model: Counting, *images: bytes | Image, client: bytes = b"") -> Answer:
    return cache.classify(model, images, time.monotonic() + 60, lambda: False, client)


def hits(answer: Answer) -> list[bool]:
    return [isinstance(outcome, Result) and outcome.age is not None for outcome in answer.outcomes]


def test_same_bytes_are_computed_once(cache: Cache, model: Counting) -> None:
    first, second = ask(cache, model, b"a"), ask(cache, model, b"a")
    assert model.asked == [b"a"]
    assert (hits(first), hits(second)) == ([False], [True])
    before, after = first.outcomes[0], second.outcomes[0]
    assert isinstance(before, Result) and isinstance(after, Result)
    assert after.top(3) == before.top(3) and (after.logits == before.logits).all()


def test_age_is_that_of_the_oldest_result(cache: Cache, model: Counting) -> None:
    ask(cache, model, b"a")
    ask(cache, model, b"b")
    answer = ask(cache, model, b"b", b"a")
    young, old = (outcome.age for outcome in answer.outcomes if isinstance(outcome, Result))
    assert young is not None and old is not None and 0 <= young <= old == answer.age


def test_missing_images_of_a_request_are_computed_and_the_order_is_kept(cache: Cache, model: Counting) -> None:
    ask(cache, model, b"a", b"c")
    model.unreadable = {b"d": ImageUndecodable("no")}
    answer = ask(cache, model, b"a", b"b", b"c", b"d", b"b")
    assert model.asked == [b"a", b"c", b"b", b"d", b"b"]
    assert hits(answer) == [True, False, True, False, False]
    assert isinstance(answer.outcomes[3], ImageUndecodable)
    assert answer.age is None, "something was computed"


def test_errors_are_not_kept(cache: Cache, model: Counting) -> None:
    model.unreadable = {b"a": ImageUndecodable("no")}
    assert isinstance(ask(cache, model, b"a").outcomes[0], ServiceError)
    model.error = DeadlineExceeded("later")
    with pytest.raises(DeadlineExceeded):
        ask(cache, model, b"b")
    assert len(cache) == 0


@pytest.mark.parametrize("other", [Counting(name="other"), Counting(version="2")], ids=["model", "version"])
def test_models_and_versions_do_not_share_results(cache: Cache, model: Counting, other: Counting) -> None:
    ask(cache, model, b"a")
    assert hits(ask(cache, other, b"a")) == [False]


def test_clients_do_not_share_results(cache: Cache, model: Counting) -> None:
    ask(cache, model, b"a", client=b"one")
    assert hits(ask(cache, model, b"a", client=b"two")) == [False]
    assert hits(ask(cache, model, b"a", client=b"one")) == [True]


def test_parts_of_a_key_are_not_run_together(cache: Cache) -> None:
    ask(cache, Counting("ab", "1"), b"x", client=b"c")
    for name, version, image, client in (("b", "1", b"x", b"ca"), ("a", "b1", b"x", b"c"), ("ab", "", b"1x", b"c")):
        assert hits(ask(cache, Counting(name, version), image, client=client)) == [False]


def test_prepared_pixels_and_files_are_different_things(cache: Cache, model: Counting) -> None:
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    ask(cache, model, pixels)
    assert hits(ask(cache, model, pixels.tobytes())) == [False]
    assert hits(ask(cache, model, pixels.copy())) == [True]
    assert hits(ask(cache, model, pixels[::-1])) == [False]


def test_what_was_not_used_for_longest_goes_first(model: Counting) -> None:
    cache = Cache(3 * ENTRY)
    ask(cache, model, b"a", b"b", b"c")
    ask(cache, model, b"a")
    ask(cache, model, b"d")
    assert (len(cache), cache.size) == (3, 3 * ENTRY)
    assert [hits(ask(cache, model, image)) for image in (b"a", b"c", b"d")] == [[True]] * 3
    assert hits(ask(cache, model, b"b")) == [False]


def test_result_larger_than_the_cache_is_not_kept(model: Counting) -> None:
    cache = Cache(ENTRY - 1)
    ask(cache, model, b"a")
    assert (len(cache), cache.size) == (0, 0)


def test_kept_result_holds_no_memory_of_its_batch(cache: Cache) -> None:
    batch = np.zeros((64, 3), np.float32)

    class Batched(Counting):
        @property
        def result(self) -> Result:  # type: ignore[override]
            return Result(("a", "b", "c"), batch[0])

    ask(cache, Batched(), b"a")
    (found,) = ask(cache, Batched(), b"a").outcomes
    assert isinstance(found, Result) and found.logits.base is None
    with pytest.raises(ValueError, match="read-only"):
        found.logits[0] = 1


def test_many_threads_at_once_get_their_own_results_within_the_bound(model: Counting) -> None:
    cache = Cache(5 * ENTRY)
    images = [bytes([number % 12]) for number in range(600)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda image: ask(cache, model, image), images))
    assert all(len(answer.outcomes) == 1 for answer in answers)
    assert len(cache) == 5 and cache.size == 5 * ENTRY


def test_hits_and_bytes_are_counted(model: Counting) -> None:
    def counts() -> list[float]:
        text = metrics.exposition().decode()
        lookups = [
            total(text, "inference_cache_images_total", {"model": "counted", "version": "7", "result": result})
            for result in ("hit", "miss")
        ]
        return [*lookups, total(text, "inference_cache_bytes", {})]

    model.name, model.version = "counted", "7"
    cache = Cache(2 * ENTRY)
    before = counts()
    for images in ((b"a", b"b"), (b"b", b"c"), (b"b", b"c")):
        ask(cache, model, *images)
    assert [new - old for new, old in zip(counts(), before, strict=True)] == [3, 3, 2 * ENTRY]
