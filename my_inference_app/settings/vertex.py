"""The addresses that Vertex AI sets for its containers."""

from __future__ import annotations

from dataclasses import dataclass

from .parsing import address
from .setting import setting


@dataclass(frozen=True)
class Vertex:
    aip_predict_route: str = setting("/vertex/predict", "address of predictions in the format of Vertex AI", address)
    aip_health_route: str = setting("/vertex/health", "further address of the health check `/readyz`", address)
