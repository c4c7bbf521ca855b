"""Writes a taught bundle: the parent's files with another last layer."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..bundles import bundle as bundles
from ..bundles.bundle import Bundle
from ..bundles.head import Head, read_head, write_head
from ..calibrate.fit import Fitted
from ..calibrate.publish import write_files
from ..engines.base import ENGINES, FeatureEngine, load_engine
from ..errors import BundleError, SetupError
from ..resources import cores
from . import graph, torchscript
from .parent import Parent
from .versions import PHOTOS

Replace = Callable[[Path, Path, Head, Head], None]

REPLACE: dict[str, Replace] = {"openvino": graph.replace_last_layer, "torch": torchscript.replace_last_layer}
"""How the last layer is replaced in the file of an engine."""
CREATED = {"by": f"my_inference_app {__version__}"}
"""Without a time: the same photos give the same bundle."""
_MOST_DIFFERENCE = 1e-3


def write(
    bundle: Bundle, parent: Parent, head: Head, photos: str, images: NDArray[np.uint8], calibration: Fitted | None
) -> Bundle:
    """Only if the files of each engine give the logits that feature maps and head lead to, on these images."""

    def fill(folder: Path) -> None:
        for engine in _engines(parent.bundle):
            parent.bundle.verify(*ENGINES[engine].files)
            REPLACE[engine](parent.bundle.path / ENGINES[engine].files[0], folder, parent.head, head)
        write_head(head, folder)
        (folder / PHOTOS).write_text(photos, "utf-8")
        if calibration:
            write_files(calibration, folder)

    try:
        with tempfile.TemporaryDirectory() as scratch:
            draft = bundles.write(replace(bundle, path=Path(scratch) / "draft"), fill)
            agreement = {engine: _difference(draft, engine, images) for engine in _engines(parent.bundle)}

            def copy(folder: Path) -> None:
                for name in draft.files:
                    shutil.copy(draft.path / name, folder / name)

            return bundles.write(replace(draft, path=bundle.path, agreement={"features": agreement}), copy)
    except OSError as error:
        raise SetupError(f"the bundle cannot be written to {bundle.path}: {error.strerror or error}") from None


def _engines(parent: Bundle) -> Sequence[str]:
    return [engine for engine in REPLACE if ENGINES[engine].files[0] in parent.files]


def _difference(draft: Bundle, engine: str, images: NDArray[np.uint8]) -> float:
    """The largest difference of a logit, in float32."""
    head = read_head(draft)
    loaded = load_engine(draft, engine, threads=cores(), precision="f32")
    if head is None or not isinstance(loaded, FeatureEngine):
        raise BundleError(f"the {engine} engine returns no feature maps")
    logits, maps = loaded.with_features(images)
    difference = float(np.abs(logits - np.stack([head.logits(one) for one in maps])).max())
    if not difference <= _MOST_DIFFERENCE:  # written so that NaN is refused
        raise BundleError(
            f"the new layer does not give the logits that it should with the {engine} engine (they differ by "
            f"{difference:.2g}): make the parent's bundle again with `make export`"
        )
    return float(f"{difference:.1e}")
