"""An ONNX file, as OpenVINO reads it: so only the openvino engine serves it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import openvino as ov
from openvino.frontend import FrontEndManager

from ...errors import SourceError, first_line
from ..graph import Reference, from_pixels
from ..input_options import LAYOUTS, InputOptions
from ..labels import labels_of
from ..loaded_model import LoadedModel
from ..options import Options
from ..outputs import FromProbabilities, classes_of, gives_probabilities
from ..preprocessing import standard_transform
from .file_format import origin_of_file

_CHANNELS = 3
_FLOATS = (ov.Type.f32, ov.Type.f16)

T = TypeVar("T")


def load(options: Options, _downloaded: Path | None) -> LoadedModel:
    file = Path(options.model)
    origin = origin_of_file(file)
    network = _read(file)
    layout = _layout(file, network, options.input.layout)
    told = InputOptions(size=_size(file, network, layout, options.input.size))
    spec = options.input.or_else(told).spec(options.name)
    shape = [_CHANNELS, *spec.size] if layout == "NCHW" else [*spec.size, _CHANNELS]
    reference = _reference(file, network.clone(), layout, shape)
    classes = classes_of(options.name, reference, spec)
    prepare = standard_transform(spec)
    probable = gives_probabilities(options.name, reference, prepare)
    _make_batched(file, network, shape, classes)
    return LoadedModel(
        options.name,
        FromProbabilities(reference) if probable else reference,
        labels_of(options.labels, classes),
        spec,
        prepare,
        origin,
        graph=from_pixels(network, layout, spec, gives_probabilities=probable),
    )


def _read(file: Path) -> ov.Model:
    """By OpenVINO's reader of ONNX alone. It refuses weights in files outside the folder of this one."""
    reader = FrontEndManager().load_by_framework("onnx")
    network = _attempt(file, "cannot be read", lambda: reader.convert(reader.load(str(file))))
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise SourceError(
            f"{file} has {len(network.inputs)} inputs and {len(network.outputs)} outputs: a classifier has one of each"
        )
    kind = network.input(0).get_element_type()
    if kind not in _FLOATS or network.input(0).partial_shape.rank != ov.Dimension(4):
        raise SourceError(f"{file} takes {kind.get_type_name()} of shape {network.input(0).partial_shape}, not images")
    return network


def _layout(file: Path, network: ov.Model, given: str | None) -> str:
    """By the dimension that is 3, or may be."""
    shape = network.input(0).partial_shape
    fitting = [layout for layout in LAYOUTS if shape[layout.index("C")].compatible(ov.Dimension(_CHANNELS))]
    if given and given not in fitting:
        raise SourceError(f"{file} takes {shape}, which is not {given} with three channels: leave --layout out")
    if not fitting:
        raise SourceError(f"{file} takes {shape}, not images with three channels")
    if not given and len(fitting) > 1:
        raise SourceError(f"{file} does not tell its layout, as it takes {shape}: give --layout NCHW or --layout NHWC")
    return given or fitting[0]


def _size(file: Path, network: ov.Model, layout: str, given: tuple[int, int] | None) -> tuple[int, int] | None:
    shape = network.input(0).partial_shape
    height, width = (shape[layout.index(side)] for side in "HW")
    if given and not (height.compatible(ov.Dimension(given[0])) and width.compatible(ov.Dimension(given[1]))):
        raise SourceError(f"{file} takes images of {height}x{width}: leave --size out")
    return (height.get_length(), width.get_length()) if height.is_static and width.is_static else None


def _reference(file: Path, network: ov.Model, layout: str, shape: list[int]) -> Reference:
    _attempt(file, "cannot be used for one image", lambda: network.reshape([1, *shape]))
    return _attempt(file, "cannot be compiled", lambda: Reference(network, layout))


def _make_batched(file: Path, network: ov.Model, shape: list[int], classes: int) -> None:
    """Many files take one image at a time, only because they were written for one. Most of them can do more."""

    def run() -> tuple[int, ...]:
        network.reshape([-1, *shape])
        request = ov.Core().compile_model(network, "CPU").create_infer_request()
        request.infer([np.zeros((2, *shape), np.float32)])
        return tuple(request.get_output_tensor().shape)

    what = "takes one image at a time, and cannot be changed: write it with a dynamic first axis"
    if _attempt(file, what, run) != (2, classes):
        raise SourceError(f"{file} {what}")


def _attempt(file: Path, what: str, function: Callable[[], T]) -> T:
    try:
        return function()
    except Exception as error:  # OpenVINO's begin with where it failed; the reason comes last
        reason = first_line(Exception(str(error).strip().rpartition("\n")[2]))
        raise SourceError(f"{file} {what}: {reason}") from None
