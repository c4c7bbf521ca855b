"""What happened in a simulation, minute by minute."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

ANSWERED, REFUSED, LATE = "answered", "refused", "late"
"""How a request may end."""
_MINUTE = 60.0


@dataclass
class Minute:
    arrived: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    """How many ended in which way."""
    seconds: array[float] = field(default_factory=lambda: array("d"))
    """Of those that were answered."""
    ready: int = 0
    wanted: int = 0
    """Pods that serve, and pods that the autoscaler wants, at the end of the minute."""


class Record:
    def __init__(self, minutes: Sequence[Minute] = ()) -> None:
        self.minutes = list(minutes)

    def arrive(self, now: float) -> None:
        self._at(now).arrived += 1

    def end(self, now: float, how: str, seconds: float) -> None:
        minute = self._at(now)
        minute.ended[how] += 1
        if how == ANSWERED:
            minute.seconds.append(seconds)

    def pods(self, now: float, ready: int, wanted: int) -> None:
        minute = self._at(now)
        minute.ready, minute.wanted = ready, wanted

    @property
    def arrived(self) -> int:
        return sum(minute.arrived for minute in self.minutes)

    @property
    def ended(self) -> Counter[str]:
        return sum((minute.ended for minute in self.minutes), Counter())

    def slower_than(self, seconds: float) -> int:
        return sum(value > seconds for minute in self.minutes for value in minute.seconds)

    def _at(self, now: float) -> Minute:
        while len(self.minutes) <= now / _MINUTE:
            self.minutes.append(Minute())
        return self.minutes[int(now / _MINUTE)]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so many are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
