"""A pickle that runs code when it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class Malicious:
    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.proof,)
