"""The end of a network: global pooling, perhaps a norm, and one linear layer. Independent of any framework.

With it, the last feature map of an image explains the logits: the value of every place in the map can be computed, and
the mean of all places, plus the bias, is the logit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .arrays import read_arrays
from .bundle import HEAD, Bundle, damaged

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Norm:
    """A layer norm between the pooling and the linear layer."""

    scale: Floats
    shift: Floats
    epsilon: float


@dataclass(frozen=True)
class Head:
    weight: Floats
    """Classes x channels."""
    bias: Floats
    norm: Norm | None = None

    def embed(self, features: Floats) -> Floats:
        """What the linear layer sees of an image: its feature map, pooled and normed."""
        normed: Floats = self._normed(features).mean((0, 1))
        return normed

    def logits(self, features: Floats) -> Floats:
        found: Floats = self.weight @ self.embed(features) + self.bias
        return found

    def grid(self, features: Floats, class_id: int) -> Floats:
        """The class activation map, height x width: its mean plus the bias of the class is the logit of the class."""
        places: Floats = self._normed(features) @ self.weight[class_id]
        return places

    def _normed(self, features: Floats) -> Floats:
        """Each place normed with the variance of the pooled map, so that the mean of all is the pooled map normed."""
        if self.norm is None:
            return features
        variance = features.mean((0, 1)).var()
        centred = features - features.mean(-1, keepdims=True)
        normed: Floats = centred / np.sqrt(variance + self.norm.epsilon) * self.norm.scale + self.norm.shift
        return normed


def write_head(head: Head, folder: Path) -> None:
    """The weights must be float16 values already, as they are in the model's own files."""
    arrays = {"weight": head.weight.astype(np.float16), "bias": head.bias.astype(np.float16)}
    if head.norm:
        arrays["norm_scale"] = head.norm.scale.astype(np.float16)
        arrays["norm_shift"] = head.norm.shift.astype(np.float16)
        arrays["norm_epsilon"] = np.array(head.norm.epsilon)
    np.savez(folder / HEAD, allow_pickle=False, **arrays)


def read_head(bundle: Bundle) -> Head | None:
    """The head of a bundle that has features."""
    if not bundle.features:
        return None
    head = read_arrays(bundle, HEAD, np.float32, _head_of)
    _check(head, bundle, bundle.features.channels)
    return head


def _head_of(arrays: Mapping[str, Floats]) -> Head:
    norm = None
    if "norm_scale" in arrays:
        norm = Norm(arrays["norm_scale"], arrays["norm_shift"], float(arrays["norm_epsilon"]))
    return Head(arrays["weight"], arrays["bias"], norm)


def _check(head: Head, bundle: Bundle, channels: int) -> None:
    vectors = [head.norm.scale, head.norm.shift] if head.norm else []
    fits = head.weight.shape == (len(bundle.labels), channels) and head.bias.shape == (len(bundle.labels),)
    if not fits or any(vector.shape != (channels,) for vector in vectors):
        raise damaged(bundle.path, f"{HEAD} does not fit {len(bundle.labels)} labels and {channels} channels")
