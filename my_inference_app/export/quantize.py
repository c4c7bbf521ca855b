"""int8: quantised after training, on the user's own pictures, and compared with the float model on others of them."""

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
from .pictures import Picture, decode_all, find

FEWEST_PICTURES = 100
LEAST_AGREEMENT = 0.97


@dataclass(frozen=True)
class Halves:
    """Half of the pictures to calibrate with; the other half is held out, to judge by."""

    calibration: NDArray[np.uint8]
    held_out: NDArray[np.uint8]
    held_out_classes: tuple[int | None, ...]


@dataclass(frozen=True)
class Quality:
    """int8 against float32, on the held-out half."""

    calibration_pictures: int
    held_out_pictures: int
    top1_agreement: float
    top1_accuracy: float | None
    top1_accuracy_float: float | None

    @property
    def summary(self) -> str:
        text = f"{self.top1_agreement:.1%} of {self.held_out_pictures} pictures held out"
        if self.top1_accuracy is None or self.top1_accuracy_float is None:
            return text
        return f"{text}; right on {self.top1_accuracy:.1%}, float on {self.top1_accuracy_float:.1%}"

    def figures(self) -> dict[str, Any]:
        return asdict(self)


def halves(folder: Path, spec: InputSpec, labels: Sequence[str]) -> Halves:
    pictures = find(folder, labels)
    random.Random(0).shuffle(pictures)  # noqa: S311  (a folder per class comes sorted by class)
    decoded = list(decode_all(pictures, spec))
    if len(decoded) < FEWEST_PICTURES:
        raise SourceError(f"{folder} has {len(decoded)} readable pictures; int8 takes {FEWEST_PICTURES} at least")
    middle = len(decoded) // 2
    return Halves(
        calibration=_stack(decoded[:middle]),
        held_out=_stack(decoded[middle:]),
        held_out_classes=tuple(picture.class_id for picture, _ in decoded[middle:]),
    )


def _stack(decoded: Sequence[tuple[Picture, NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    return np.stack([pixels for _, pixels in decoded])


def quantize(model: Path, calibration: NDArray[np.uint8], result: Path) -> None:
    try:
        import nncf  # large, and needed for nothing else
    except ImportError:
        raise SourceError("int8 takes nncf: pip install -r requirements/quantize.txt") from None
    nncf.set_log_level(logging.ERROR)
    with redirect_stdout(sys.stderr):  # its progress bars
        quantized = nncf.quantize(
            ov.Core().read_model(model),
            nncf.Dataset([picture[None] for picture in calibration]),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(calibration),
        )
    ov.save_model(quantized, result, compress_to_fp16=True)


def judge(quantized: Bundle, original: Bundle, pictures: Halves) -> Quality:
    def best(bundle: Bundle, precision: str) -> NDArray[np.intp]:
        engine = load_engine(bundle, "openvino", threads=cores(), precision=precision)
        return _classes(engine, pictures.held_out)

    float_classes, int8_classes = best(original, "f32"), best(quantized, "")
    labelled = [index for index, label in enumerate(pictures.held_out_classes) if label is not None]
    right = np.array([pictures.held_out_classes[index] for index in labelled])
    return Quality(
        calibration_pictures=len(pictures.calibration),
        held_out_pictures=len(pictures.held_out),
        top1_agreement=float(np.mean(float_classes == int8_classes)),
        top1_accuracy=float(np.mean(int8_classes[labelled] == right)) if labelled else None,
        top1_accuracy_float=float(np.mean(float_classes[labelled] == right)) if labelled else None,
    )


def _classes(engine: Engine, pictures: NDArray[np.uint8]) -> NDArray[np.intp]:
    batches = [engine(pictures[start : start + 8]) for start in range(0, len(pictures), 8)]
    classes: NDArray[np.intp] = np.concatenate(batches).argmax(axis=1)
    return classes
