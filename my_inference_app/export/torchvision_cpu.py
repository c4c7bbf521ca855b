"""Imports torchvision beside a CPU build of torch.

PyPI has torchvision only as a CUDA build. Beside a CPU build of torch its compiled operators do not load, and its
import fails because it extends two operators that are not declared. Classification uses neither, so declaring them is
enough. Import this module before torchvision or transformers.
"""

from __future__ import annotations

import sys

import torch

_NMS = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def _declare_operators() -> torch.library.Library:
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        library.define(name + _NMS)  # type: ignore[no-untyped-call]
    return library


try:
    import torchvision
except RuntimeError:
    for _name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[_name]
    _library = _declare_operators()  # the declarations live as long as this object
    import torchvision

__all__ = ["torchvision"]
