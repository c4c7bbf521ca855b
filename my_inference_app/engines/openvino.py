"""The openvino engine, on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from ..bundles.bundle import Bundle
from ..errors import SettingError
from .base import Engine, FeatureMaps, Images, Logits, Options


def load(bundle: Bundle, options: Options) -> Engine:
    return load_file(bundle.path / "model.xml", options)


def load_file(model: Path, wanted: Options) -> Engine:
    """Compiles the model. Without a precision, OpenVINO computes in the fastest one the processor has."""
    if wanted.device != "cpu":
        raise SettingError(f"DEVICE={wanted.device}: the openvino engine computes on the CPU; use ENGINE=torch")
    if wanted.precision not in ("", "f32", "bf16"):
        raise SettingError(
            f"PRECISION={wanted.precision}: the openvino engine computes in f32 or bf16, or from an int8 bundle"
        )
    options: dict[str, str | int | bool] = {
        "INFERENCE_NUM_THREADS": wanted.threads,
        "NUM_STREAMS": 1,
        # Otherwise the threads of several workers would all be pinned to the first cores.
        "ENABLE_CPU_PINNING": False,
        # Otherwise each thread has a fixed share of a layer, and all wait for a thread that lost its core to a request.
        "TBB_PARTITIONER": "AUTO",
    }
    if wanted.precision:
        options["INFERENCE_PRECISION_HINT"] = wanted.precision
    core = ov.Core()
    return _OpenVINO(core.read_model(model), partial(core.compile_model, device_name="CPU", config=options))


class _OpenVINO:
    """Feature maps cost memory traffic in every batch, so the model is compiled without them until they are wanted.

    From then on it computes with them, for all: two compiled models would take twice the memory.
    """

    def __init__(self, model: ov.Model, compile: Callable[[ov.Model], ov.CompiledModel]) -> None:
        self._compile = compile
        self._whole: ov.Model | None = None
        if len(model.outputs) > 1:
            # Kept, since the file may be replaced by then. Its weights are the file's, mapped into memory.
            self._whole = model
            model = model.clone()
            for further in model.get_results()[1:]:
                model.remove_result(further)
        self._request = compile(model).create_infer_request()

    def __call__(self, images: Images) -> Logits:
        self._infer(images)
        return self._output(0)

    def with_features(self, images: Images) -> tuple[Logits, FeatureMaps]:
        if self._whole:
            self._request = self._compile(self._whole).create_infer_request()
            self._whole = None
        self._infer(images)
        return self._output(0), self._output(1)

    def _infer(self, images: Images) -> None:
        self._request.set_input_tensor(ov.Tensor(images, shared_memory=True))
        self._request.infer()

    def _output(self, index: int) -> NDArray[np.float32]:
        return np.array(self._request.get_output_tensor(index).data, dtype=np.float32)
