"""The HorizontalPodAutoscaler of deploy/kubernetes, by the documented algorithm of Kubernetes."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from my_inference_app.settings import PROJECT

FILE = PROJECT / "deploy" / "kubernetes" / "base" / "autoscaling.yaml"
SYNC = 15.0
"""Seconds between decisions, as by default."""
_TOLERANCE = 0.1


@dataclass(frozen=True)
class Rules:
    least: int
    most: int
    target: float
    """Of the cores that a pod requests, the share in use."""
    up_factor: float
    up_period: float
    down_pods: int
    down_period: float
    down_window: float

    @classmethod
    def read(cls, file: Path = FILE) -> Rules:
        spec: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))["spec"]
        (metric,) = spec["metrics"]
        (up,), (down,) = (spec["behavior"][way]["policies"] for way in ("scaleUp", "scaleDown"))
        if (up["type"], down["type"]) != ("Percent", "Pods"):
            raise ValueError(f"the simulation knows no other policies than Percent up and Pods down: {file}")
        return cls(
            least=spec["minReplicas"],
            most=spec["maxReplicas"],
            target=metric["resource"]["target"]["averageUtilization"] / 100,
            up_factor=1 + up["value"] / 100,
            up_period=up["periodSeconds"],
            down_pods=down["value"],
            down_period=down["periodSeconds"],
            down_window=spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"],
        )


class Autoscaler:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._wanted: deque[tuple[float, int]] = deque()
        self._changes: deque[tuple[float, int]] = deque()

    def replicas(self, now: float, current: int, used: list[float]) -> int:
        """`used` is the share of its cores that each ready pod used."""
        rules = self._rules
        wanted = self._by_use(current, used)
        self._wanted.append((now, wanted))
        while self._wanted[0][0] < now - rules.down_window:
            self._wanted.popleft()
        if wanted < current:
            wanted = min(current, max(count for _, count in self._wanted))
        wanted = min(wanted, math.ceil(self._before(now, current, rules.up_period) * rules.up_factor))
        wanted = max(wanted, min(current, self._before(now, current, rules.down_period, down=True) - rules.down_pods))
        wanted = max(rules.least, min(rules.most, wanted))
        if wanted != current:
            self._changes.append((now, wanted - current))
        return wanted

    def _by_use(self, current: int, used: list[float]) -> int:
        if not used:
            return current
        ratio = sum(used) / len(used) / self._rules.target
        if abs(ratio - 1) <= _TOLERANCE:
            return current
        missing = current - len(used)
        if missing > 0:
            # Idle if that speaks against scaling up, at the target if it speaks against scaling down.
            assumed = missing * (0.0 if ratio > 1 else self._rules.target)
            again = (sum(used) + assumed) / current / self._rules.target
            if abs(again - 1) <= _TOLERANCE or (again > 1) != (ratio > 1):
                return current
            ratio = again
        return math.ceil(ratio * current)

    def _before(self, now: float, current: int, period: float, *, down: bool = False) -> int:
        """The number of pods before the changes of this period, in the one direction."""
        recent = [change for at, change in self._changes if at > now - period and (change < 0) == down]
        return current - sum(recent)
