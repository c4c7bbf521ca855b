"""How far the batch that an image is computed in changes its scores. `pytest -s` shows the differences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from my_inference_app.bundles import bundle
from my_inference_app.engines.base import load_engine
from my_inference_app.inference.answers import softmax
from my_inference_app.inference.images.decode import decode
from tests.images import PHOTOS, SAMPLES

BATCHES = (3, 8)


@pytest.mark.parametrize(
    ("engine", "precision", "bound"),
    [
        ("openvino", "f32", 1e-4),
        ("openvino", "bf16", 0.01),
        ("openvino", "", 0.01),
        ("torch", "f32", 1e-4),
        ("torch", "bf16", 0.01),
    ],
)
def test_batch_hardly_changes_the_scores_of_an_image(
    efficientnet: Path, engine: str, precision: str, bound: float
) -> None:
    made = bundle.read(efficientnet)
    images = np.stack([decode(path.read_bytes(), made.input, 50_000_000) for path in [*SAMPLES, *PHOTOS[::40]]])
    compute = load_engine(made, engine, threads=1, precision=precision)
    alone = softmax(np.concatenate([compute(image[None]) for image in images]))
    for size in BATCHES:
        batches = [compute(images[start : start + size]) for start in range(0, len(images), size)]
        together = softmax(np.concatenate(batches))
        difference = np.abs(alone - together).max()
        print(f"{engine} {precision or 'auto'}: {len(images)} images in batches of {size}: {difference:.1e}")
        assert difference < bound
        lead = np.diff(np.sort(alone)[:, -2:]).ravel()
        same = alone.argmax(1) == together.argmax(1)
        assert same[lead > bound].all()
