"""The last feature map: which networks have one, and whether it leads to the logits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import HEAD, Bundle, sha256
from my_inference_app.bundles.head import Head, read_head, write_head
from my_inference_app.engines.base import EXPORTED, FeatureEngine, load_engine
from my_inference_app.errors import BundleError
from my_inference_app.export import convert, features_agreement, pipeline
from my_inference_app.export.agreement import sample_images
from my_inference_app.export.features import find
from my_inference_app.export.input_options import CLASSIC
from my_inference_app.export.loaded_model import LoadedModel
from my_inference_app.export.preprocessing import standard_transform
from my_inference_app.inference.images.decode import decode
from tests.export.families import FAMILIES

POOLED = ("resnet", "regnet", "convnext", "swin", "focalnet", "poolformer", "mobilenet_v2", "efficientnet", "siglip")
NOT_POOLED = ("vit", "deit", "dinov2")


class Logits(torch.nn.Module):
    def __init__(self, family: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.model = FAMILIES[family].model(FAMILIES[family].config()).eval()

    @torch.no_grad()
    def measure(self) -> Logits:
        """Gives batch norms the statistics of an image, without which the values of some networks fade away."""
        for layer in self.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = 1.0
        self.model.train()(pixel_values=torch.rand(2, 3, 128, 128))
        self.model.eval()
        return self

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(pixel_values=pixels).logits
        return logits


class Folded(torch.nn.Module):
    """Ends in a pool and a linear layer, but changes the pooled values in between."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = torch.nn.Linear(3, 4)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.fc(pixels.mean((2, 3)).abs())
        return logits


class Moody(torch.nn.Module):
    """A network whose weights in the traced graph are not those of its head."""

    calls = 0

    def __init__(self) -> None:
        super().__init__()
        self.fc = torch.nn.Linear(3, 3)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        self.calls += 1  # the first two calls look for the features
        weight = self.fc.weight * (1 if self.calls <= 2 else 2)
        return torch.nn.functional.linear(torch.relu(pixels).mean((2, 3)), weight, self.fc.bias)


def model_of(module: torch.nn.Module, labels: int = 7, size: int = 128) -> LoadedModel:
    spec = replace(CLASSIC.spec("a test"), size=(size, size))
    names = tuple(f"class {index}" for index in range(labels))
    return LoadedModel("mine", module.eval(), names, spec, standard_transform(spec), origin={"kind": "test"})


@pytest.mark.parametrize("family", POOLED)
def test_map_and_head_give_the_logits(family: str) -> None:
    model = model_of(Logits(family).measure())
    found = find(model.module, torch.rand(3, 3, 128, 128))
    assert found
    assert (found.norm is not None) == (family == "convnext")
    images = torch.randint(0, 256, (3, 128, 128, 3), dtype=torch.uint8)
    with found.rounded(), torch.inference_mode():
        head = found.head()
        logits, maps = convert.trace(model, found)(images)
        logits, maps = logits.numpy(), maps.numpy()
    assert maps.shape == (3, *found.spec.size, found.spec.channels)
    close = 1e-4 * float(np.abs(logits).max())  # the logits of some random networks are tiny
    assert close > 0
    np.testing.assert_allclose(np.stack([head.logits(features) for features in maps]), logits, rtol=0, atol=close)
    for class_id in range(7):
        grid = head.grid(maps[0], class_id)
        assert grid.shape == found.spec.size
        assert grid.mean() + head.bias[class_id] == pytest.approx(logits[0, class_id], rel=0, abs=close)


@pytest.mark.parametrize("family", NOT_POOLED)
def test_network_that_does_not_end_in_a_pool_has_no_features(family: str) -> None:
    size = FAMILIES[family].config().image_size
    assert find(Logits(family), torch.rand(2, 3, size, size)) is None


def test_network_that_changes_the_pooled_values_has_no_features() -> None:
    assert find(Folded(), torch.rand(2, 3, 8, 8) - 0.5) is None


def test_weights_are_those_of_before_after_the_conversion() -> None:
    module = Logits("resnet")
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    found = find(module, torch.rand(2, 3, 128, 128))
    assert found
    with found.rounded():
        assert torch.equal(found.weight, found.weight.half().float())
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert not torch.equal(found.weight, found.weight.half().float())


def test_features_that_do_not_lead_to_the_logits_are_left_out(tmp_path: Path) -> None:
    made = pipeline.convert_model(model_of(Moody(), labels=3), tmp_path / "moody")
    assert made.features is None
    assert HEAD not in made.files


def test_bundle_has_features_and_says_how_exact_they_are(efficientnet: Path) -> None:
    made = bundle.read(efficientnet)
    assert made.features == bundle.FeatureSpec((7, 7), 1280)
    assert HEAD in made.files
    assert made.agreement["features"].keys() == set(EXPORTED)
    assert max(made.agreement["features"].values()) <= features_agreement.MOST_DIFFERENCE


@pytest.mark.parametrize("name", EXPORTED)
def test_engine_computes_the_map_whose_mean_is_the_logit(efficientnet: Path, name: str) -> None:
    made = bundle.read(efficientnet)
    engine, head = load_engine(made, name, threads=1, precision="f32"), read_head(made)
    assert isinstance(engine, FeatureEngine) and head
    images = np.stack([decode(data, made.input, 10**8) for data in sample_images()])
    before = engine(images)
    logits, maps = engine.with_features(images)
    np.testing.assert_allclose(logits, before, atol=1e-3)
    np.testing.assert_array_equal(engine(images), logits)
    assert maps.shape == (len(images), 7, 7, 1280)
    for image in range(len(images)):
        for class_id in np.argsort(-logits[image])[:5]:
            mean = head.grid(maps[image], class_id).mean(dtype=np.float32)
            assert mean + head.bias[class_id] == pytest.approx(logits[image, class_id], abs=1e-3)


@pytest.fixture
def damage(efficientnet: Path, tmp_path: Path) -> Callable[[bytes], Bundle]:
    """A bundle whose head has these bytes, with the right checksum."""

    def with_head(data: bytes) -> Bundle:
        (tmp_path / HEAD).write_bytes(data)
        made = bundle.read(efficientnet)
        return replace(made, path=tmp_path, files={**made.files, HEAD: sha256(tmp_path / HEAD)})

    return with_head


@pytest.mark.parametrize("data", [b"", b"not arrays", b"PK\x03\x04 and no more", b"\x93NUMPY"])
def test_head_that_cannot_be_read_is_refused_in_one_line(damage: Callable[[bytes], Bundle], data: bytes) -> None:
    with pytest.raises(BundleError, match=r"damaged: head\.npz: .*make it again") as caught:
        read_head(damage(data))
    assert "\n" not in str(caught.value)


def test_head_of_another_model_is_refused(damage: Callable[[bytes], Bundle], tmp_path: Path) -> None:
    write_small(tmp_path)
    with pytest.raises(BundleError, match="does not fit 1000 labels and 1280 channels"):
        read_head(damage((tmp_path / HEAD).read_bytes()))


def write_small(folder: Path) -> None:
    write_head(Head(np.ones((2, 3), np.float32), np.zeros(2, np.float32)), folder)
