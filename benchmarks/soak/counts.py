"""Counts the outcomes of all requests."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from .judge import Verdict

_MOST_REASONS = 20


@dataclass
class Counts:
    answered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)
    """Why the first few lost requests were lost."""
    hung_up: int = 0
    reloads: int = 0
    kills: int = 0
    _sent: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, request_id: str) -> None:
        with self._lock:
            self._sent.add(request_id)

    def without_answer(self) -> frozenset[str]:
        """The requests sent so far whose outcome is not known yet."""
        with self._lock:
            return frozenset(self._sent)

    def add(self, name: str, verdict: Verdict, request_id: str = "") -> None:
        with self._lock:
            self._sent.discard(request_id)
            counter: Counter[str] = getattr(self, verdict.outcome)
            counter[name] += 1
            if verdict.outcome == "lost" and len(self.reasons) < _MOST_REASONS:
                self.reasons.append(f"{name}: {verdict.why}" + (f" (request {request_id})" if request_id else ""))

    def leave(self) -> None:
        with self._lock:
            self.hung_up += 1

    @property
    def sent(self) -> int:
        return self.answered.total() + self.refused.total() + self.lost.total()

    def names(self) -> list[str]:
        return sorted({*self.answered, *self.refused, *self.lost})
