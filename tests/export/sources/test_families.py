"""Models of many families: a bundle must answer as the model with its own image processor does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import HEAD, Bundle
from my_inference_app.engines.base import EXPORTED, Engine, load_engine
from my_inference_app.export.agreement import MOST_TOP1_DIFFERENCE
from my_inference_app.export.options import Options
from my_inference_app.export.plan import Plan, run
from my_inference_app.inference.images.decode import decode
from tests.export.families import FAMILIES, LABELS
from tests.images import SAMPLES

import transformers as hf  # isort: skip

Scores = NDArray[np.float64]
# The graphs were made with a batch of 2; there are 3 samples.
BATCHES = (1, 3, 8)


def original(folder: Path) -> Scores:
    """As a user of transformers would, with none of our code."""
    model = hf.AutoModelForImageClassification.from_pretrained(folder).eval()
    processor = hf.AutoImageProcessor.from_pretrained(folder)  # type: ignore[no-untyped-call]
    images = [processor(Image.open(path).convert("RGB"), return_tensors="pt").pixel_values for path in SAMPLES]
    with torch.inference_mode():
        return softmax(np.concatenate([model(pixels).logits.numpy() for pixels in images]))


def served(bundle: Bundle, engine: Engine, batch: int) -> Scores:
    """The scores of the samples, computed in batches of this size."""
    decoded = np.stack([decode(path.read_bytes(), bundle.input, max_pixels=50_000_000) for path in SAMPLES])
    if batch < len(decoded):
        return softmax(np.concatenate([engine(image[None]) for image in decoded]))
    return softmax(engine(np.resize(decoded, (batch, *decoded.shape[1:]))))[: len(decoded)]


def softmax(logits: NDArray[np.float32]) -> Scores:
    powers = np.exp(logits.astype(np.float64))
    scores: Scores = powers / powers.sum(axis=1, keepdims=True)
    return scores


@pytest.mark.parametrize("family", FAMILIES)
def test_bundle_answers_as_its_model(family: str, saved: Callable[[str], Path], tmp_path: Path) -> None:
    made = bundle.read(run(Plan(Options(str(saved(family))), tmp_path, ("openvino", "torch"))))
    assert_describes_its_model(made, family)
    want = original(saved(family))
    best = np.arange(len(want)), want.argmax(axis=1)
    for name in EXPORTED:
        engine = load_engine(made, name, threads=1, precision="f32")
        for batch in BATCHES:
            got = served(made, engine, batch)
            assert np.abs(got[best] - want[best]).max() <= MOST_TOP1_DIFFERENCE, (name, batch)
            assert (got.argmax(axis=1) == best[1]).all(), (name, batch)


def assert_describes_its_model(made: Bundle, family: str) -> None:
    assert (made.name, made.source["kind"]) == (family, "folder")
    assert made.labels == tuple(LABELS.values())
    assert set(made.files) - {HEAD} == {"model.xml", "model.bin", "model.pt"}
    assert (HEAD in made.files) == (made.features is not None)
    for engine in EXPORTED:
        report = made.agreement[engine]
        assert (report["images"], report["top5_same"]) == (len(SAMPLES), len(SAMPLES))
        assert report["top1_difference"] <= MOST_TOP1_DIFFERENCE
