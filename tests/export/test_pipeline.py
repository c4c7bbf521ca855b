"""A bundle that would answer differently from its model is not written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from my_inference_app.bundles import bundle
from my_inference_app.errors import SourceError
from my_inference_app.export.input_options import CLASSIC
from my_inference_app.export.loaded_model import LoadedModel
from my_inference_app.export.pipeline import make_bundle
from my_inference_app.export.preprocessing import standard_transform


class Plain(torch.nn.Module):
    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return 4 * pixels.mean((2, 3))


class Branching(Plain):
    """Takes another branch for an image than while it is traced."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits = super().forward(pixels)
        return logits if pixels.std() < 0.3 else logits.flip(1)


class Counting(Plain):
    """Only takes batches of the size that it was traced with."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return super().forward(pixels.reshape(int(pixels.shape[0]), 3, 224, 224))


class Untraceable(Plain):
    """Fails while it is traced."""

    def forward(self, *_: torch.Tensor) -> torch.Tensor:
        raise ValueError("not like this\nbut otherwise")


def model_of(module: torch.nn.Module, **changes: Any) -> LoadedModel:
    spec = CLASSIC.spec("a test")
    labels = ("red", "green", "blue")
    return replace(
        LoadedModel("mine", module, labels, spec, standard_transform(spec), origin={"kind": "test"}), **changes
    )


FAILING = {
    "other answers": (
        model_of(Branching()),
        r"mine answers differently after the conversion for openvino: \d of 3 images have the same top five",
    ),
    "other batch size": (model_of(Counting()), "mine does not work for "),
    "not traceable": (model_of(Untraceable()), "mine cannot be traced: not like this"),
    "other preparation": (
        model_of(Plain(), input=replace(CLASSIC.spec("a test"), mean=(0.0,) * 3)),
        "mine cannot be served: the way its own code prepares images is not supported",
    ),
}


@pytest.mark.parametrize(("model", "message"), FAILING.values(), ids=FAILING)
def test_model_that_answers_differently_is_refused_and_the_older_bundle_kept(
    model: LoadedModel, message: str, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    older = make_bundle(model_of(Plain()), folder, ("openvino", "torch"))
    with pytest.raises(SourceError, match=f"^{message}") as caught:
        make_bundle(model, folder, ("openvino", "torch"))
    assert "\n" not in str(caught.value)
    assert bundle.read(folder) == older
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
