"""What the user asked to be exported. Needs no torch, so that a bundle made already is found at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PACKAGED = "efficientnet-lite0"
TORCHVISION = "torchvision:"


@dataclass(frozen=True)
class Calibration:
    folder: Path
    accept_agreement: bool = False
    """Write the bundle however much int8 disagrees with the float model."""


@dataclass(frozen=True)
class Options:
    model: str
    revision: str = ""
    weights: Path | None = None
    random_weights: bool = False
    labels: Path | None = None
    calibration: Calibration | None = None
    """Makes it an int8 bundle."""

    @property
    def of_hub(self) -> bool:
        return self.model != PACKAGED and not self.model.startswith(TORCHVISION) and not Path(self.model).is_dir()
