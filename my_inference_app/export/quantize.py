"""int8: quantises a trained model with the user's images, and compares it with the float model on others of them."""

from __future__ import annotations

import logging
import random
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from ..bundles.bundle import Bundle, InputSpec
from ..engines.base import Engine, load_engine
from ..errors import SourceError
from ..resources import cores
from .image_folder import ImageFile, decode_all, find

FEWEST_IMAGES = 100
LEAST_AGREEMENT = 0.97


@dataclass(frozen=True)
class Halves:
    """One half of the images calibrates; the other half is held out for the comparison."""

    calibration: NDArray[np.uint8]
    held_out: NDArray[np.uint8]
    held_out_classes: tuple[int | None, ...]


@dataclass(frozen=True)
class Quality:
    """int8 compared with float32, on the half held out."""

    calibration_images: int
    held_out_images: int
    top1_agreement: float
    top1_accuracy: float | None
    top1_accuracy_float: float | None

    @property
    def summary(self) -> str:
        text = f"{self.top1_agreement:.1%} of {self.held_out_images} held-out images"
        if self.top1_accuracy is None or self.top1_accuracy_float is None:
            return text
        return f"{text}; right on {self.top1_accuracy:.1%}, float on {self.top1_accuracy_float:.1%}"

    def report(self) -> dict[str, Any]:
        return asdict(self)


def halves(folder: Path, spec: InputSpec, labels: Sequence[str]) -> Halves:
    files = find(folder, labels)
    random.Random(0).shuffle(files)  # noqa: S311  (folders by class come sorted by class)
    decoded = list(decode_all(files, spec))
    if len(decoded) < FEWEST_IMAGES:
        raise SourceError(f"{folder} has {len(decoded)} readable images; int8 needs at least {FEWEST_IMAGES}")
    middle = len(decoded) // 2
    return Halves(
        calibration=_stack(decoded[:middle]),
        held_out=_stack(decoded[middle:]),
        held_out_classes=tuple(file.class_id for file, _ in decoded[middle:]),
    )


def _stack(decoded: Sequence[tuple[ImageFile, NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    return np.stack([pixels for _, pixels in decoded])


def quantize(model: Path, calibration: NDArray[np.uint8], result: Path) -> None:
    try:
        import nncf  # large, and only int8 needs it
    except ImportError:
        raise SourceError("int8 needs nncf: pip install -r requirements/quantize.txt") from None
    nncf.set_log_level(logging.ERROR)
    with redirect_stdout(sys.stderr):  # its progress bars
        original = ov.Core().read_model(model)
        quantized = nncf.quantize(
            original,
            nncf.Dataset([image[None] for image in calibration]),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(calibration),
            ignored_scope=nncf.IgnoredScope(names=_head(original), validate=False),  # some are folded away
        )
    ov.save_model(quantized, result, compress_to_fp16=True)


def _head(model: ov.Model) -> list[str]:
    """All that follows the feature map. In float it costs little, and so the features lead to the logits exactly."""
    if len(model.outputs) == 1:
        return []
    logits, features = model.get_results()
    source = features.input_value(0).get_node()
    while source.get_type_name() in ("Transpose", "Reshape"):
        source = source.input_value(0).get_node()
    found: dict[str, ov.Node] = {}
    waiting = [logits.input_value(0).get_node()]
    while waiting:
        node = waiting.pop()
        name = node.get_friendly_name()
        if name in found or name == source.get_friendly_name() or node.get_type_name() == "Constant":
            continue
        found[name] = node
        waiting += [value.get_node() for value in node.input_values()]
    return list(found)


def judge(quantized: Bundle, original: Bundle, images: Halves) -> Quality:
    def best(bundle: Bundle, precision: str) -> NDArray[np.intp]:
        engine = load_engine(bundle, "openvino", threads=cores(), precision=precision)
        return _classes(engine, images.held_out)

    float_classes, int8_classes = best(original, "f32"), best(quantized, "")
    labelled = [index for index, label in enumerate(images.held_out_classes) if label is not None]
    right = np.array([images.held_out_classes[index] for index in labelled])
    return Quality(
        calibration_images=len(images.calibration),
        held_out_images=len(images.held_out),
        top1_agreement=float(np.mean(float_classes == int8_classes)),
        top1_accuracy=float(np.mean(int8_classes[labelled] == right)) if labelled else None,
        top1_accuracy_float=float(np.mean(float_classes[labelled] == right)) if labelled else None,
    )


def _classes(engine: Engine, images: NDArray[np.uint8]) -> NDArray[np.intp]:
    batches = [engine(images[start : start + 8]) for start in range(0, len(images), 8)]
    classes: NDArray[np.intp] = np.concatenate(batches).argmax(axis=1)
    return classes
