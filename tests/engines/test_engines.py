"""Every engine on the same real bundle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from my_inference_app.bundles.bundle import Bundle, sha256
from my_inference_app.engines.base import EXPORTED, Engine, load_engine
from my_inference_app.errors import BundleError, SettingError


def images_of(*colours: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.stack([np.full((32, 32, 3), colour, np.uint8) for colour in colours])


@pytest.fixture(scope="module", params=EXPORTED)
def engine(request: pytest.FixtureRequest, tiny: Bundle) -> Engine:
    return load_engine(tiny, request.param, threads=1)


@pytest.mark.parametrize("size", [17, 1, 8, 3])
def test_batch_of_any_size_is_computed(engine: Engine, size: int) -> None:
    colours = [(index * 15, 255 - index * 15, 7) for index in range(size)]
    logits = engine(images_of(*colours))
    assert logits.dtype == np.float32
    # The model is 4 * (colour - 127) / 128; in bf16 it has 8 bits of precision.
    np.testing.assert_allclose(logits, (np.array(colours) - 127) / 32, atol=0.04)


def test_logits_are_not_overwritten_by_the_next_batch(engine: Engine) -> None:
    first = engine(images_of((255, 0, 0)))
    kept = first.copy()
    engine(images_of((0, 0, 255)))
    np.testing.assert_array_equal(first, kept)


def test_images_are_not_modified(engine: Engine) -> None:
    images = images_of((1, 2, 3))
    images.setflags(write=True)
    engine(images)
    np.testing.assert_array_equal(images, images_of((1, 2, 3)))


def test_engines_agree_in_f32(tiny: Bundle) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    first, second = (load_engine(tiny, name, threads=1, precision="f32")(images) for name in EXPORTED)
    np.testing.assert_allclose(first, second, atol=1e-3)


@pytest.mark.parametrize("name", EXPORTED)
def test_bundle_without_the_engines_file_is_refused(tiny: Bundle, name: str) -> None:
    bare = replace(tiny, files={})
    with pytest.raises(BundleError, match=f"export the model again with ENGINE={name}"):
        load_engine(bare, name, threads=1)


@pytest.mark.parametrize("name", EXPORTED)
def test_damaged_model_is_not_loaded(tiny: Bundle, name: str, tmp_path: Path) -> None:
    for file in tiny.files:
        (tmp_path / file).write_bytes((tiny.path / file).read_bytes() + b"\0")
    with pytest.raises(BundleError, match="checksum"):
        load_engine(replace(tiny, path=tmp_path), name, threads=1)


@pytest.mark.parametrize(
    ("name", "device"),
    [("openvino", "cuda"), ("openvino", "gpu"), ("torch", "nonsense"), ("torch", ""), ("torch", "🐈")],
)
def test_unusable_device_is_refused(tiny: Bundle, name: str, device: str) -> None:
    with pytest.raises(SettingError, match=f"^DEVICE={device!r}|^DEVICE={device}:"):
        load_engine(tiny, name, threads=1, device=device)


def test_absent_cuda_device_is_refused(tiny: Bundle) -> None:
    """The index is one above those of the machine."""
    device = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(SettingError, match=f"DEVICE={device}: torch finds {torch.cuda.device_count()} CUDA devices"):
        load_engine(tiny, "torch", threads=1, device=device)


@pytest.mark.parametrize("precision", ["bf16", "f16"])
def test_torch_computes_in_half_precision(tiny: Bundle, precision: str) -> None:
    """These are the defaults on a GPU."""
    engine = load_engine(tiny, "torch", threads=1, precision=precision)
    logits = engine(images_of((255, 127, 0), (0, 3, 200)))
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, (np.array([[255, 127, 0], [0, 3, 200]]) - 127) / 32, atol=0.05)


def test_openvino_refuses_f16(tiny: Bundle) -> None:
    with pytest.raises(SettingError, match="PRECISION=f16: the openvino engine computes in f32 or bf16"):
        load_engine(tiny, "openvino", threads=1, precision="f16")


def test_unknown_engine_is_refused(tiny: Bundle) -> None:
    with pytest.raises(SettingError, match=r"^ENGINE='abacus' is none of openvino, torch$"):
        load_engine(tiny, "abacus", threads=1)


@pytest.mark.parametrize("name", EXPORTED)
def test_model_that_the_engine_cannot_read_is_one_line(tiny: Bundle, name: str, tmp_path: Path) -> None:
    """With the right checksums, as an export with a defect would write it."""
    for file in tiny.files:
        (tmp_path / file).write_bytes(b"not a model\nat all")
    files = {file: sha256(tmp_path / file) for file in tiny.files}
    with pytest.raises(
        BundleError, match=rf"^the {name} engine cannot load the bundle {tmp_path}: .*make it again"
    ) as caught:
        load_engine(replace(tiny, path=tmp_path, files=files), name, threads=1)
    assert "\n" not in str(caught.value)
