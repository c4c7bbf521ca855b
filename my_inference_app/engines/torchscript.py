"""The torch engine: TorchScript on the CPU or a CUDA device. Nothing else that serves imports torch.

The weights are moved to a CUDA device once. Images are sent as bytes from pinned memory, and everything from
normalisation on is computed on the device: in bf16 if it has that, otherwise in f16.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from ..bundles.bundle import Bundle
from ..errors import SettingError
from .base import Engine, FeatureMaps, Images, Logits, Options

_TYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


def load(bundle: Bundle, options: Options) -> Engine:
    return load_file(bundle.path / "model.pt", options)


def load_file(model: Path, options: Options) -> Engine:
    target = _device(options.device)
    torch.set_num_threads(options.threads)
    module = torch.jit.load(str(model), map_location="cpu").eval()  # type: ignore[no-untyped-call]
    module = module.to(device=target, dtype=_type(target, options.precision), memory_format=torch.channels_last)
    return _TorchScript(torch.jit.freeze(module), target)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise SettingError(f"DEVICE={name!r} is not a device: give cpu, cuda or cuda:0") from None
    if device.type not in ("cpu", "cuda"):
        raise SettingError(f"DEVICE={name!r} is not supported: give cpu, cuda or cuda:0")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise SettingError(f"DEVICE={name}: torch finds {torch.cuda.device_count()} CUDA devices here; use DEVICE=cpu")
    return device


def _type(device: torch.device, precision: str) -> torch.dtype:
    if precision:
        return _TYPES[precision]
    if device.type == "cpu":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


class _TorchScript:
    def __init__(self, module: torch.nn.Module, device: torch.device) -> None:
        self._module = module
        self._device = device
        self._pinned: torch.Tensor | None = None

    def __call__(self, images: Images) -> Logits:
        return self._compute(images)[0].float().cpu().numpy()

    def with_features(self, images: Images) -> tuple[Logits, FeatureMaps]:
        logits, features = self._compute(images)
        return logits.float().cpu().numpy(), features.float().cpu().contiguous().numpy()

    def _compute(self, images: Images) -> Sequence[torch.Tensor]:
        """The logits and, if the model has them, the feature maps. They are there anyway; only copying them costs."""
        with torch.inference_mode():
            outputs = self._module(self._move(torch.from_numpy(images)))
        return outputs if isinstance(outputs, tuple) else (outputs,)

    def _move(self, images: torch.Tensor) -> torch.Tensor:
        """Through pinned memory, which the device reads by itself, and which is kept from batch to batch."""
        if self._device.type == "cpu":
            return images
        if self._pinned is None or len(self._pinned) < len(images):
            self._pinned = torch.empty_like(images, pin_memory=True)
        staged = self._pinned[: len(images)].copy_(images)
        return staged.to(self._device, non_blocking=True)
