"""The openvino engine, on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov

from ..errors import SettingError
from .base import Engine, Images, Logits


def load(model: Path, *, threads: int, device: str, precision: str) -> Engine:
    """Compiles the model. Without a precision, OpenVINO computes in the fastest one the processor has."""
    if device != "cpu":
        raise SettingError(f"DEVICE={device}: the openvino engine computes on the CPU; use ENGINE=torch")
    if precision not in ("", "f32", "bf16"):
        raise SettingError(
            f"PRECISION={precision}: the openvino engine computes in f32 or bf16, or from an int8 bundle"
        )
    options: dict[str, str | int | bool] = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        # Otherwise the threads of several workers would all be pinned to the first cores.
        "ENABLE_CPU_PINNING": False,
        # Otherwise each thread has a fixed share of a layer, and all wait for a thread that lost its core to a request.
        "TBB_PARTITIONER": "AUTO",
    }
    if precision:
        options["INFERENCE_PRECISION_HINT"] = precision
    return _OpenVINO(ov.Core().compile_model(model, "CPU", options))


class _OpenVINO:
    def __init__(self, compiled: ov.CompiledModel) -> None:
        self._request = compiled.create_infer_request()

    def __call__(self, images: Images) -> Logits:
        self._request.set_input_tensor(ov.Tensor(images, shared_memory=True))
        self._request.infer()
        return np.array(self._request.get_output_tensor().data, dtype=np.float32)
