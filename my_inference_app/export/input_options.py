"""How images are prepared for a model, as far as something tells: the user's flags, or what comes with the weights."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from typing import Literal

from ..bundles.bundle import InputSpec
from ..errors import SourceError

STRETCH: Literal["stretch"] = "stretch"
LAYOUTS = ("NCHW", "NHWC")

Channels = tuple[float, float, float]

_NEEDED = ("size", "resize", "mean", "std")
_EXAMPLE = "--size 224 --resize 256 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225"


@dataclass(frozen=True)
class InputOptions:
    """None stands for what is not known."""

    size: tuple[int, int] | None = None
    """Height and width that the model takes."""
    resize: int | Literal["stretch"] | None = None
    """The length of the shorter side before the centre is cut out; or the image is stretched to `size`."""
    interpolation: str | None = None
    mean: Channels | None = None
    """Mean and standard deviation are of pixel values from 0 to 1, as they are published."""
    std: Channels | None = None
    layout: str | None = None
    """The order of the dimensions that an ONNX file takes."""

    @property
    def given(self) -> tuple[str, ...]:
        return tuple(item.name for item in fields(self) if getattr(self, item.name) is not None)

    @property
    def digest(self) -> str:
        """Tells these options apart from others."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:8]

    def or_else(self, told: InputOptions) -> InputOptions:
        """These options; where there are none, what comes with the weights. A resize belongs to its size."""
        if self.size not in (None, told.size):
            told = replace(told, resize=None)
        known = {item.name: getattr(told, item.name) for item in fields(self) if item.name not in self.given}
        return replace(self, **known)

    def spec(self, name: str) -> InputSpec:
        """Raises SourceError, with the flags to give, where nothing tells."""
        if self.size is None or self.resize is None or self.mean is None or self.std is None:
            missing = [f"--{key}" for key in _NEEDED if getattr(self, key) is None]
            raise SourceError(
                f"nothing tells how images are prepared for {name}: give {' '.join(missing)} "
                f"(for most models of ImageNet: {_EXAMPLE})"
            )
        return make_spec(
            self.size,
            None if self.resize == STRETCH else self.resize,
            self.interpolation or "bilinear",
            self.mean,
            self.std,
        )


# What torchvision's classic models of ImageNet, and TorchServe's image_classifier, do.
CLASSIC = InputOptions((224, 224), 256, "bilinear", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def make_spec(
    size: tuple[int, int],
    shortest_edge: int | None,
    interpolation: str,
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> InputSpec:
    """`mean` and `std` in units of pixel values / 255, as published."""
    if shortest_edge is not None and max(size) > shortest_edge:
        raise SourceError(f"cannot crop {size[0]}x{size[1]} from images resized to {shortest_edge}")
    return InputSpec(
        size=size,
        shortest_edge=shortest_edge,
        interpolation=interpolation,
        # Rounded so that a bundle says 123.675 instead of 123.67499999999998.
        mean=tuple(round(255 * value, 3) for value in mean),
        std=tuple(round(255 * value, 3) for value in std),
    )


def described(spec: InputSpec) -> str:
    """`224x224 from images resized to 256, bilinear, mean …`"""
    size = f"{spec.size[0]}x{spec.size[1]}"
    how = "stretched" if spec.shortest_edge is None else f"cut from images resized to {spec.shortest_edge}"
    mean, std = (",".join(f"{value / 255:.3g}" for value in values) for values in (spec.mean, spec.std))
    return f"{size} {how}, {spec.interpolation}, mean {mean}, std {std}"
