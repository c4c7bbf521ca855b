"""Large images share the memory of a worker: how many are decoded at once, and who waits or is refused."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from my_inference_app import resources
from my_inference_app.bundles.bundle import InputSpec
from my_inference_app.errors import ClientGone, DeadlineExceeded, Overloaded
from my_inference_app.inference.images.budget import LARGE, DecodeBudget, budget_of_worker
from my_inference_app.inference.images.decode import decode
from my_inference_app.inference.waiting import Patience
from my_inference_app.settings import Settings
from tests.images import REPOSITORY, png
from tests.inference.gates import patient, until

SPEC = InputSpec((32, 32), 36, "bilinear", (0.0,) * 3, (1.0,) * 3)


class Decodings:
    """Each holds its share of a budget, on a thread of its own, until it is ended."""

    def __init__(self, budget: DecodeBudget, pool: ThreadPoolExecutor) -> None:
        self.running: list[str] = []
        self._budget = budget
        self._pool = pool
        self._ends: dict[str, threading.Event] = {}

    def start(self, name: str, pixels: int, patience: Patience | None = None) -> Future[None]:
        self._ends[name] = threading.Event()
        return self._pool.submit(self._decode, name, pixels, patience or patient())

    def queue(self, name: str, pixels: int, patience: Patience | None = None) -> Future[None]:
        waiting = self._budget.waiting
        started = self.start(name, pixels, patience)
        until(lambda: self._budget.waiting > waiting)
        return started

    def _decode(self, name: str, pixels: int, patience: Patience) -> None:
        with self._budget.reserve(pixels, patience):
            self.running.append(name)
            assert self._ends[name].wait(60)
            self.running.remove(name)

    def run(self, *names: str) -> None:
        until(lambda: sorted(self.running) == sorted(names))

    def end(self, *names: str) -> None:
        for name in names or list(self._ends):
            self._ends[name].set()


@pytest.fixture
def budget() -> DecodeBudget:
    return DecodeBudget(3 * LARGE, most_waiting=3)


@pytest.fixture
def decodings(budget: DecodeBudget) -> Iterator[Decodings]:
    with ThreadPoolExecutor(16) as pool:
        decodings = Decodings(budget, pool)
        try:
            yield decodings
        finally:
            decodings.end()


def test_large_images_are_decoded_at_once_as_far_as_the_budget_goes(decodings: Decodings) -> None:
    for name in "abc":
        decodings.start(name, LARGE)
    decodings.run("a", "b", "c")
    decodings.queue("d", LARGE)
    decodings.end("b")
    decodings.run("a", "c", "d")


def test_image_larger_than_the_budget_is_decoded_alone(decodings: Decodings) -> None:
    decodings.start("huge", 100 * LARGE)
    decodings.run("huge")
    decodings.queue("a", LARGE)
    decodings.queue("as huge", 100 * LARGE)
    decodings.end("huge")
    decodings.run("a")
    decodings.end("a")
    decodings.run("as huge")


def test_waiting_images_are_decoded_first_come_first_served(decodings: Decodings) -> None:
    """A stream of smaller ones that would fit does not keep a larger one waiting for ever."""
    decodings.start("a", 2 * LARGE)
    decodings.run("a")
    decodings.queue("b", 2 * LARGE)
    decodings.queue("c", LARGE)
    assert decodings.running == ["a"]
    decodings.end("a")
    decodings.run("b", "c")


def test_small_images_never_wait(budget: DecodeBudget, decodings: Decodings) -> None:
    decodings.start("huge", 100 * LARGE)
    decodings.run("huge")
    with budget.reserve(LARGE - 1, Patience(0)):
        pass


def test_more_than_may_wait_are_refused_at_once(decodings: Decodings) -> None:
    decodings.start("huge", 100 * LARGE)
    decodings.run("huge")
    for name in "abc":
        decodings.queue(name, LARGE)
    with pytest.raises(Overloaded, match="too many large images at once"):
        decodings.start("d", LARGE).result(60)
    decodings.end("huge")
    decodings.run("a", "b", "c")


@pytest.mark.parametrize("error", [ClientGone, DeadlineExceeded])
def test_waiting_image_without_client_or_time_leaves_and_the_next_has_its_turn(
    budget: DecodeBudget, decodings: Decodings, error: type[Exception]
) -> None:
    over = threading.Event()
    soon = Patience(time.monotonic() + 0.05)
    patience = soon if error is DeadlineExceeded else Patience(time.monotonic() + 60, over.is_set)
    decodings.start("a", 2 * LARGE)
    decodings.run("a")
    leaving = decodings.start("leaving", 2 * LARGE, patience)
    if error is ClientGone:
        until(lambda: budget.waiting == 1)
        decodings.queue("b", LARGE)
        over.set()
    with pytest.raises(error):
        leaving.result(60)
    if error is ClientGone:
        decodings.run("a", "b")
    assert budget.waiting == 0


def test_share_is_free_again_after_a_failure(budget: DecodeBudget, decodings: Decodings) -> None:
    for _ in range(4):
        with pytest.raises(ValueError, match="broken"), budget.reserve(2 * LARGE, patient()):
            raise ValueError("broken")
    decodings.start("huge", 100 * LARGE)
    decodings.run("huge")


@pytest.mark.parametrize("side", [1999, 2000])
def test_decode_reserves_the_pixels_it_decodes(side: int) -> None:
    reserved: list[int] = []

    def room(pixels: int) -> AbstractContextManager[None]:
        reserved.append(pixels)
        return nullcontext()

    decode(png(side, side, 8, 0, bytes(side)), SPEC, 10**8, room)
    assert reserved == [side * side]


@pytest.mark.parametrize(
    ("memory", "settings", "pixels"),
    [
        (4 << 30, {"workers": 1, "compute_threads": 64}, (4 << 30) // 32),
        (4 << 30, {"workers": 2, "compute_threads": 64}, (4 << 30) // 64),
        (1 << 40, {"workers": 1, "compute_threads": 2}, 100_000_000),
        (1 << 40, {"workers": 1, "compute_threads": 2, "max_pixels": 9_000_000}, 18_000_000),
    ],
)
def test_budget_of_a_worker_is_bounded_by_memory_and_cores(
    monkeypatch: pytest.MonkeyPatch, memory: int, settings: dict[str, Any], pixels: int
) -> None:
    monkeypatch.setattr(resources, "memory", lambda: memory)
    budget = budget_of_worker(Settings(**settings, threads=9))
    assert (budget._all, budget._most_waiting) == (pixels, 4)


EIGHT_AT_ONCE = """
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from my_inference_app.bundles.bundle import InputSpec
from my_inference_app.inference.images.budget import DecodeBudget
from my_inference_app.inference.images.decode import decode
from my_inference_app.inference.waiting import Patience
from my_inference_app.resources import give_large_memory_back
from tests.images import png
give_large_memory_back()
budget, patience = DecodeBudget(24_000_000, most_waiting=8), Patience(time.monotonic() + 600)
data = png(4000, 3000, 8, 2, bytes(12000))
spec = InputSpec((32, 32), 36, "bilinear", (), ())
room = lambda pixels: budget.reserve(pixels, patience)
peak = lambda: int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
before = peak()
with ThreadPoolExecutor(8) as pool:
    decoded = list(pool.map(lambda _: decode(data, spec, 12_000_000, room), range(8)))
assert [array.shape for array in decoded] == [(32, 32, 3)] * 8
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of memory is read from Linux")
def test_large_images_at_once_stay_within_the_budget() -> None:
    """Eight of 48 MB, with a budget for two."""
    grown = subprocess.check_output([sys.executable, "-c", EIGHT_AT_ONCE], cwd=REPOSITORY, text=True)
    assert 60_000 < int(grown) < 140_000
