"""Whether a bundle's features and head lead to the logits that the model gives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..bundles.bundle import Bundle
from ..bundles.head import read_head
from ..engines.base import FeatureEngine, load_engine
from ..errors import BundleError
from ..inference.images.decode import decode
from ..resources import cores
from ..settings import Settings

MOST_DIFFERENCE = 1e-3


def measure(made: Bundle, engine: str, samples: Sequence[bytes]) -> float:
    """The largest difference of a logit on the sample images, in float32."""
    head = read_head(made)
    loaded = load_engine(made, engine, threads=cores(), precision="f32")
    if head is None or not isinstance(loaded, FeatureEngine):
        raise BundleError(f"the bundle {made.path} has no features for the {engine} engine")
    images = np.stack([decode(data, made.input, max_pixels=Settings.max_pixels) for data in samples])
    logits, maps = loaded.with_features(images)
    computed = np.stack([head.logits(features) for features in maps])
    return float(f"{np.abs(logits - computed).max():.1e}")
