"""Requests that want features and requests that do not, in one batch."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.engines.base import EXPORTED, FeatureEngine, FeatureMaps, Images, Logits, load_engine
from my_inference_app.inference.batching import Batcher
from my_inference_app.inference.waiting import Patience


class Counted:
    """A real engine, and the sizes of its batches."""

    def __init__(self, engine: FeatureEngine) -> None:
        self._engine = engine
        self.plain: list[int] = []
        self.with_maps: list[int] = []

    def __call__(self, images: Images) -> Logits:
        self.plain.append(len(images))
        return self._engine(images)

    def with_features(self, images: Images) -> tuple[Logits, FeatureMaps]:
        self.with_maps.append(len(images))
        return self._engine.with_features(images)


@pytest.fixture(scope="module", params=EXPORTED)
def real(request: pytest.FixtureRequest, colours: Bundle) -> FeatureEngine:
    engine = load_engine(colours, request.param, threads=1, precision="f32")
    assert isinstance(engine, FeatureEngine)
    return engine


def test_batch_is_shared_and_only_those_who_ask_get_features(real: FeatureEngine) -> None:
    engine = Counted(real)
    batcher = Batcher([engine], max_batch=2, queue_size=8, delay=60)  # the delay ends when both are there
    image = np.full((32, 32, 3), (127, 127, 255), np.uint8)
    patience = Patience(time.monotonic() + 600)
    with ThreadPoolExecutor(2) as pool:
        asks, does_not = [pool.submit(batcher.run, [image], patience, wants) for wants in (True, False)]
    (first,), (second,) = asks.result(), does_not.result()
    assert (engine.plain, engine.with_maps) == ([], [2])
    assert first.features is not None and first.features.shape == (8, 8, 3)
    assert second.features is None
    assert first.logits is not None and second.logits is not None
    np.testing.assert_array_equal(first.logits, second.logits)


def test_batch_in_which_nobody_asks_computes_no_features(real: FeatureEngine) -> None:
    engine = Counted(real)
    batcher = Batcher([engine], max_batch=2, queue_size=8)
    jobs = batcher.run([np.zeros((32, 32, 3), np.uint8)] * 2, Patience(time.monotonic() + 600))
    assert (engine.plain, engine.with_maps) == ([2], [])
    assert [job.features for job in jobs] == [None, None]
