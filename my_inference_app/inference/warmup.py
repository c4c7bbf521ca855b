"""Warms up the engines, and checks that labels, input and model of a bundle fit together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..bundles.bundle import Bundle, damaged
from ..errors import BundleError, ServiceError, SetupError, first_line
from .images.decode import INTERPOLATIONS

Compute = Callable[[Sequence[NDArray[np.uint8]]], list[NDArray[np.float32]]]


def warm_up(bundle: Bundle, compute: Compute, max_batch: int) -> None:
    """Computes the smallest and the largest batch on each engine, which then has its memory and kernels set up."""
    if bundle.input.interpolation not in INTERPOLATIONS:
        raise damaged(bundle.path, f"images cannot be resized with {bundle.input.interpolation!r}", bundle.remedy)
    image = np.zeros((*bundle.input.size, 3), np.uint8)
    for size in (1, max_batch):
        for logits in _try(bundle, compute, [image] * size):
            if logits.shape != (size, len(bundle.labels)):
                raise damaged(bundle.path, f"{len(bundle.labels)} labels for {logits.shape[-1]} classes", bundle.remedy)


def _try(bundle: Bundle, compute: Compute, images: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
    try:
        return compute(images)
    except ServiceError as error:  # it is not the bundle's fault
        raise SetupError(str(error)) from error
    except Exception as error:  # each framework raises what it likes
        height, width = bundle.input.size
        raise BundleError(
            f"the model in the bundle {bundle.path} cannot compute {len(images)} image(s) of {width}x{height} pixels: "
            f"{first_line(error)}; {bundle.remedy}"
        ) from error
