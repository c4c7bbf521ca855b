"""Models of many families: what is served must answer as the model with its own image processor does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.engines.base import ENGINES, Engine, load_engine
from my_inference_app.export.agreement import MOST_TOP1_DIFFERENCE
from my_inference_app.inference.images.decode import decode
from tests.export.families import FAMILIES, LABELS
from tests.images import SAMPLES

import transformers as hf  # isort: skip

Scores = NDArray[np.float64]
# What torch and OpenVINO were given when they made their graphs is 2, the samples are 3.
BATCHES = (1, 3, 8)


def original(folder: Path) -> Scores:
    """As a user of transformers would, with none of our code."""
    model = hf.AutoModelForImageClassification.from_pretrained(folder).eval()
    processor = hf.AutoImageProcessor.from_pretrained(folder)  # type: ignore[no-untyped-call]
    pictures = [processor(Image.open(path).convert("RGB"), return_tensors="pt").pixel_values for path in SAMPLES]
    with torch.inference_mode():
        return softmax(np.concatenate([model(pixels).logits.numpy() for pixels in pictures]))


def served(bundle: Bundle, engine: Engine, batch: int) -> Scores:
    """The scores of the samples, computed so many at a time."""
    decoded = np.stack([decode(path.read_bytes(), bundle.input, max_pixels=50_000_000) for path in SAMPLES])
    if batch < len(decoded):
        return softmax(np.concatenate([engine(picture[None]) for picture in decoded]))
    return softmax(engine(np.resize(decoded, (batch, *decoded.shape[1:]))))[: len(decoded)]


def softmax(logits: NDArray[np.float32]) -> Scores:
    powers = np.exp(logits.astype(np.float64))
    scores: Scores = powers / powers.sum(axis=1, keepdims=True)
    return scores


@pytest.mark.parametrize("family", FAMILIES)
def test_it_answers_as_the_model_does(
    family: str, saved: Callable[[str], Path], exported: Callable[[str], Bundle]
) -> None:
    want, bundle = original(saved(family)), exported(family)
    best = np.arange(len(want)), want.argmax(axis=1)
    for name in ENGINES:
        engine = load_engine(bundle, name, threads=1, precision="f32")
        for batch in BATCHES:
            got = served(bundle, engine, batch)
            assert np.abs(got[best] - want[best]).max() <= MOST_TOP1_DIFFERENCE, (name, batch)
            assert (got.argmax(axis=1) == best[1]).all(), (name, batch)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_bundle_says_where_it_is_from_and_how_well_it_agrees(
    family: str, exported: Callable[[str], Bundle]
) -> None:
    bundle = exported(family)
    assert (bundle.name, bundle.source["kind"]) == (family, "folder")
    assert bundle.labels == tuple(LABELS.values())
    assert set(bundle.files) == {"model.xml", "model.bin", "model.pt"}
    for engine in ENGINES:
        figures = bundle.agreement[engine]
        assert (figures["pictures"], figures["top5_same"]) == (len(SAMPLES), len(SAMPLES))
        assert figures["top1_difference"] <= MOST_TOP1_DIFFERENCE
