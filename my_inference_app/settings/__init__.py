"""All settings, flat and frozen; each is declared once, in the module of its subject.

A setting is read from the environment variable of the same name in capitals, or from a `.env` file.
`python -m my_inference_app.settings` prints them as the tables in docs/settings.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .access import Access
from .conflicts import (
    check_engine,
    check_label_studio,
    check_models,
    check_ports,
    check_teaching,
    check_timeouts,
    check_tls,
)
from .environment import PROJECT, variables
from .label_studio import LabelStudio
from .limits import Limits
from .model import Model
from .network import Network
from .observing import Observing
from .ray import Ray
from .reviewing import Reviewing
from .serving import Serving
from .setting import names_of, read
from .teaching import Teaching
from .tls import Tls
from .urls import Urls
from .vertex import Vertex

__all__ = ["PROJECT", "Settings"]


@dataclass(frozen=True)
class Settings(
    Model, Serving, Ray, Limits, Access, Urls, LabelStudio, Teaching, Network, Tls, Vertex, Observing, Reviewing
):
    def __post_init__(self) -> None:
        check_timeouts(self)
        check_models(self)
        check_engine(self, self)
        check_tls(self)
        check_label_studio(self)
        check_teaching(self)
        check_ports(self, self)

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """From this mapping, or else from the environment of the process and the `.env` file."""
        if env is None:
            env = variables([name for item in fields(cls) for name in names_of(item)])
        values: dict[str, Any] = {item.name: read(item, env) for item in fields(cls)}
        return cls(**values)

    @property
    def batch_limit(self) -> int:
        on_gpu = self.ray_gpus if self.engine == "ray" else self.on_gpu
        return self.max_batch or (64 if on_gpu else 8)

    def ray_calls(self, replicas: int) -> int:
        """Batches that each worker has on the cluster at a time: two for each replica, in all workers together."""
        return max(2, -(-2 * max(self.most_replicas, replicas) // self.worker_count))

    @property
    def local_engine(self) -> str:
        """The engine that computes a bundle in one process. With ENGINE=ray, the one of its replicas."""
        return self.ray_engine if self.engine == "ray" else self.engine
