"""Imports torchvision beside a CPU build of torch.

The package index has torchvision built against CUDA only. Beside a CPU torch its compiled operators do not load, and
the import fails where it registers how nms behaves, for an operator nobody has declared. Classification uses none of
them, so it is enough to declare the two. Import this module before torchvision or transformers.
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
