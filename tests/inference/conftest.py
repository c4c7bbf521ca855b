"""Engines behind gates, a batcher in front of one, and its users."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.engines.base import Engine, load_engine
from my_inference_app.inference.batching import Batcher
from tests.inference.gates import Gate, Sent, Users


@pytest.fixture(scope="module")
def load(tiny: Bundle) -> Callable[[], Engine]:
    # In f32: bf16 would not tell neighbouring numbers apart.
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
def busy(gate: Gate, users: Users) -> Sent:
    """A request that is being computed."""
    sent = users.send(100)
    gate.wait_for_batch()
    return sent
