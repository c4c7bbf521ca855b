"""All settings, flat and frozen; each is declared once, in the module of its subject.

A setting is read from the environment variable of the same name in capitals.
`python -m my_inference_app.settings` prints them as the tables in docs/settings.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .access import Access
from .environment import PROJECT, environment
from .limits import Limits
from .model import Model
from .network import Network
from .serving import Serving
from .setting import read
from .urls import Urls

__all__ = ["PROJECT", "Settings"]


@dataclass(frozen=True)
class Settings(Model, Serving, Limits, Access, Urls, Network):
    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        source = environment() if env is None else env
        values: dict[str, Any] = {item.name: read(item, source) for item in fields(cls)}
        return cls(**values)

    @property
    def batch_limit(self) -> int:
        return self.max_batch or (64 if self.on_gpu else 8)
