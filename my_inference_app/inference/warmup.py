"""A bundle's parts meet each other before requests meet them: each can be whole, and still not fit the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..bundles.bundle import Bundle
from ..errors import BundleError
from .images.decode import INTERPOLATIONS


def try_out(
    bundle: Bundle, compute: Callable[[Sequence[NDArray[np.uint8]]], list[NDArray[np.float32]]], max_batch: int
) -> None:
    """Computes the smallest and the largest batch, for which engines set up memory and kernels by the way."""
    if bundle.input.interpolation not in INTERPOLATIONS:
        raise _damaged(bundle, f"pictures cannot be resized with {bundle.input.interpolation!r}")
    picture = np.zeros((*bundle.input.size, 3), np.uint8)
    for size in (1, max_batch):
        for logits in compute([picture] * size):
            if logits.shape != (size, len(bundle.labels)):
                raise _damaged(bundle, f"{len(bundle.labels)} labels for {logits.shape[-1]} classes")


def _damaged(bundle: Bundle, reason: str) -> BundleError:
    return BundleError(f"the bundle {bundle.path} is damaged: {reason}; make it again with `make export`")
