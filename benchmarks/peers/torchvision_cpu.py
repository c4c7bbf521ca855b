"""TorchVision for a CPU torch: import models and transforms from here.

PyPI's torchvision is built for CUDA torch. Beside a CPU torch its operators do not load, and the import fails on
undeclared schemas. Declaring them is enough for models and transforms, which never call those operators.
"""

import importlib
import sys

import torch

__all__ = ["models", "transforms"]

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def _declare_operators() -> torch.library.Library:
    library = torch.library.Library("torchvision", "DEF")
    for schema in SCHEMAS:
        library.define(schema)
    return library


def _forget_failed_import() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]


try:
    importlib.import_module("torchvision")
except RuntimeError as error:
    if "torchvision::" not in str(error):
        raise
    _forget_failed_import()
    # The schemas exist as long as this object.
    OPERATORS = _declare_operators()

from torchvision import models, transforms  # noqa: E402
