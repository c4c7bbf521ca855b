"""What the user wants to export. Imports no torch, so that an existing bundle is found at once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..bundles.bundle import sha256
from ..errors import SourceError
from .input_options import InputOptions


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
    input: InputOptions = field(default_factory=InputOptions)

    @property
    def name(self) -> str:
        """What answers call the model: MODEL, or the name of its folder or file; and the variant if there is one."""
        path = Path(self.model)
        return self._with_variant(path.stem if path.is_file() else _base(self.model))

    @property
    def stored_as(self) -> str:
        """What the folder of the bundle is named after. Files of two kinds have a folder each."""
        return self._with_variant(_base(self.model))

    def _with_variant(self, name: str) -> str:
        return f"{name}:{self.variant}" if self.variant else name

    @cached_property
    def variant(self) -> str:
        """Tells own weights, labels and preparation, and random weights, apart from the model of that name."""
        file = self.weights or self.labels
        parts = [
            "random" if self.random_weights else "",
            f"{_safe(file.stem)}-{checksum(file)[:8]}" if file and not self.random_weights else "",
            f"input-{self.input.digest}" if self.input.given else "",
        ]
        return "-".join(part for part in parts if part)


def _base(model: str) -> str:
    return Path(model).resolve().name if Path(model).exists() else model


def _safe(stem: str) -> str:
    return re.sub(r"[^\w.-]+", "-", stem)[:60]


def checksum(file: Path) -> str:
    try:
        return sha256(file)
    except OSError as error:
        raise SourceError(f"{file}: {error.strerror}") from None
