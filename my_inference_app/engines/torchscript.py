"""TorchScript on the CPU or a CUDA device. The only module of the serving half that imports torch."""

from __future__ import annotations

from pathlib import Path

import torch

from ..errors import SettingError
from . import Engine, Logits, Pictures


def load(model: Path, *, threads: int, device: str, precision: str) -> Engine:
    """Loads and freezes the model; without a precision it computes in float32."""
    if precision not in ("", "f32"):
        raise SettingError(f"the torch engine does not compute in {precision}")
    target = _device(device)
    torch.set_num_threads(threads)
    module = torch.jit.load(str(model), map_location=target).eval()  # type: ignore[no-untyped-call]
    return _TorchScript(torch.jit.freeze(module), target)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise SettingError(f"DEVICE={name!r} is no device: give cpu, cuda or cuda:0") from None
    if device.type not in ("cpu", "cuda"):
        raise SettingError(f"DEVICE={name!r} is not supported: give cpu, cuda or cuda:0")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SettingError(f"DEVICE={name}: torch finds no CUDA device here; use DEVICE=cpu")
    return device


class _TorchScript:
    def __init__(self, module: torch.nn.Module, device: torch.device) -> None:
        self._module = module
        self._device = device

    def __call__(self, pictures: Pictures) -> Logits:
        with torch.inference_mode():
            logits: torch.Tensor = self._module(torch.from_numpy(pictures).to(self._device))
        return logits.float().cpu().numpy()
