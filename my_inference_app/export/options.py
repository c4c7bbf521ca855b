"""What the user wants to export. Imports no torch, so that an existing bundle is found at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..bundles.bundle import sha256
from ..errors import SourceError

PACKAGED = "efficientnet-lite0"
TORCHVISION = "torchvision:"


@dataclass(frozen=True)
class Calibration:
    folder: Path
    accept_agreement: bool = False
    """Write the bundle even if int8 disagrees with the float model."""


@dataclass(frozen=True)
class Options:
    model: str
    revision: str = ""
    weights: Path | None = None
    random_weights: bool = False
    labels: Path | None = None
    calibration: Calibration | None = None
    """Makes the bundle int8."""

    @property
    def name(self) -> str:
        """What answers call the model, folders aside: MODEL, and the variant if there is one."""
        return f"{self.model}:{self.variant}" if self.variant else self.model

    @cached_property
    def variant(self) -> str:
        """Tells own weights or labels, and random weights, apart from the model of that name."""
        if self.random_weights:
            return "random"
        file = self.weights or self.labels
        if not file:
            return ""
        stem = re.sub(r"[^\w.-]+", "-", file.stem)[:60]
        return f"{stem}-{checksum(file)[:8]}"


def checksum(file: Path) -> str:
    try:
        return sha256(file)
    except OSError as error:
        raise SourceError(f"{file}: {error.strerror}") from None
