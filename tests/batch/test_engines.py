"""The engines of the batch command: one for each core."""

from __future__ import annotations

from dataclasses import replace

import pytest

from my_inference_app.batch.model import engines_for, load, settings_of_one_process
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.settings import Settings


@pytest.mark.parametrize(("threads", "engines"), [(1, 1), (2, 2), (8, 8), (64, 8)])
def test_every_core_has_an_engine_up_to_eight(tiny: Bundle, threads: int, engines: int) -> None:
    settings = settings_of_one_process(Settings(compute_threads=threads))
    assert engines_for(tiny, settings) == engines


def test_torch_has_one_engine_since_all_of_its_engines_share_their_threads(tiny: Bundle) -> None:
    assert engines_for(tiny, Settings(engine="torch", compute_threads=4)) == 1


def test_command_loads_its_engines(tiny: Bundle) -> None:
    settings = settings_of_one_process(Settings(bundle=str(tiny.path)))
    loaded = load(replace(settings, compute_threads=3), embeddings=False)
    assert loaded.classifier.description.replicas == 3
