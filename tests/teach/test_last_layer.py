"""The last layer is replaced in the files of each engine, whatever stands before it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from my_inference_app.bundles import bundle as bundles
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.bundles.head import Head, read_head
from my_inference_app.engines import openvino
from my_inference_app.engines.base import ENGINES, Options, load_engine
from my_inference_app.errors import BundleError
from my_inference_app.export.pipeline import convert_model
from my_inference_app.teach import graph
from my_inference_app.teach.publish import REPLACE
from tests.export.test_features import Logits, model_of


@pytest.fixture(scope="module")
def normed(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """With a layer norm between the pool and the last layer."""
    return convert_model(model_of(Logits("convnext")), tmp_path_factory.mktemp("normed") / "convnext")


@pytest.mark.parametrize("engine", list(REPLACE))
def test_layer_behind_a_norm_is_replaced(normed: Bundle, tmp_path: Path, engine: str) -> None:
    head = read_head(normed)
    assert head and head.norm
    few = Head(head.weight[:3], head.bias[:3], head.norm)
    file = ENGINES[engine].files[0]
    REPLACE[engine](normed.path / file, tmp_path, head, few)

    def fill(folder: Path) -> None:
        for name in ENGINES[engine].files:
            shutil.copy(tmp_path / name, folder / name)

    draft = Bundle(tmp_path / "taught", "few", {}, ("a", "b", "c"), normed.input, "f16 weights")
    taught = bundles.write(draft, fill)
    images = np.random.default_rng(0).integers(0, 256, (2, *normed.input.size, 3), np.uint8)
    before, after = (load_engine(one, engine, threads=1, precision="f32")(images) for one in (normed, taught))
    assert np.allclose(after, before[:, :3], atol=1e-4)


@pytest.mark.parametrize("engine", list(REPLACE))
def test_file_of_another_head_is_refused(normed: Bundle, tmp_path: Path, engine: str) -> None:
    head = read_head(normed)
    assert head
    with pytest.raises(BundleError, match="make the parent's bundle again"):
        REPLACE[engine](normed.path / ENGINES[engine].files[0], tmp_path, Head(head.weight + 1, head.bias), head)


def test_model_that_does_not_end_in_a_linear_layer_is_refused(tiny: Bundle, tmp_path: Path) -> None:
    head = Head(np.ones((3, 3), np.float32), np.ones(3, np.float32))
    with pytest.raises(BundleError, match="does not end in a linear layer"):
        graph.replace_last_layer(tiny.path / "model.xml", tmp_path, head, head)


def test_same_layer_gives_the_same_file(colours: Bundle, tmp_path: Path) -> None:
    head = read_head(colours)
    assert head
    texts = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        graph.replace_last_layer(colours.path / "model.xml", tmp_path / name, head, head)
        texts.append((tmp_path / name / "model.xml").read_bytes())
    assert texts[0] == texts[1]
    assert openvino.load_file(tmp_path / "first" / "model.xml", Options(1))
