"""Both engines on the same real bundle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from my_inference_app.bundles.bundle import ENGINE_FILES, Bundle
from my_inference_app.engines.base import Engine, load_engine
from my_inference_app.errors import BundleError, SettingError

ENGINES = tuple(ENGINE_FILES)


def pictures_of(*colours: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.stack([np.full((32, 32, 3), colour, np.uint8) for colour in colours])


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, tiny: Bundle) -> Engine:
    return load_engine(tiny, request.param, threads=1)


@pytest.mark.parametrize("size", [17, 1, 8, 3])
def test_batches_of_any_size(engine: Engine, size: int) -> None:
    colours = [(index * 15, 255 - index * 15, 7) for index in range(size)]
    logits = engine(pictures_of(*colours))
    assert logits.dtype == np.float32
    # The model is 4 * (colour - 127) / 128; a processor that computes in bf16 has 8 bits of it.
    np.testing.assert_allclose(logits, (np.array(colours) - 127) / 32, atol=0.04)


def test_an_answer_is_not_overwritten_by_the_next(engine: Engine) -> None:
    first = engine(pictures_of((255, 0, 0)))
    kept = first.copy()
    engine(pictures_of((0, 0, 255)))
    np.testing.assert_array_equal(first, kept)


def test_the_pictures_are_left_as_they_are(engine: Engine) -> None:
    pictures = pictures_of((1, 2, 3))
    pictures.setflags(write=True)
    engine(pictures)
    np.testing.assert_array_equal(pictures, pictures_of((1, 2, 3)))


def test_the_engines_agree_in_full_precision(tiny: Bundle) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    first, second = (load_engine(tiny, name, threads=1, precision="f32")(pictures) for name in ENGINES)
    np.testing.assert_allclose(first, second, atol=1e-3)


@pytest.mark.parametrize("name", ENGINES)
def test_a_bundle_without_the_file_of_the_engine(tiny: Bundle, name: str) -> None:
    bare = replace(tiny, files={})
    with pytest.raises(BundleError, match=f"make export MODEL=tiny ENGINE={name}"):
        load_engine(bare, name, threads=1)


@pytest.mark.parametrize("name", ENGINES)
def test_a_damaged_model_is_not_loaded(tiny: Bundle, name: str, tmp_path: Path) -> None:
    for file in tiny.files:
        (tmp_path / file).write_bytes((tiny.path / file).read_bytes() + b"\0")
    with pytest.raises(BundleError, match="checksum"):
        load_engine(replace(tiny, path=tmp_path), name, threads=1)


@pytest.mark.parametrize(
    ("name", "device"),
    [("openvino", "cuda"), ("openvino", "gpu"), ("torch", "nonsense"), ("torch", ""), ("torch", "🐈")],
)
def test_a_device_that_cannot_be_used(tiny: Bundle, name: str, device: str) -> None:
    with pytest.raises(SettingError, match=f"^DEVICE={device!r}|^DEVICE={device}:"):
        load_engine(tiny, name, threads=1, device=device)


def test_cuda_where_there_is_none(tiny: Bundle) -> None:
    """One more than there are, wherever the tests run."""
    device = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(SettingError, match=f"DEVICE={device}: torch finds {torch.cuda.device_count()} CUDA devices"):
        load_engine(tiny, "torch", threads=1, device=device)


@pytest.mark.parametrize("precision", ["bf16", "f16"])
def test_torch_in_half_precision(tiny: Bundle, precision: str) -> None:
    """As on a GPU, where these are the default; weights and input are converted once, whatever they were saved in."""
    engine = load_engine(tiny, "torch", threads=1, precision=precision)
    logits = engine(pictures_of((255, 127, 0), (0, 3, 200)))
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, (np.array([[255, 127, 0], [0, 3, 200]]) - 127) / 32, atol=0.05)


def test_openvino_has_no_f16(tiny: Bundle) -> None:
    with pytest.raises(SettingError, match="PRECISION=f16: the openvino engine computes in f32 or bf16"):
        load_engine(tiny, "openvino", threads=1, precision="f16")
