"""Progress on stderr: one line that is rewritten on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time

_ON_TERMINAL, _ELSEWHERE = 0.5, 10.0


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Progress:
    def __init__(self, done: int, total: int) -> None:
        self._before = self._done = done
        self._total = total
        self._errors = 0
        self._started = self._shown = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def add(self, *, failed: bool) -> None:
        self._done += 1
        self._errors += failed
        now = time.monotonic()
        if now - self._shown >= (_ON_TERMINAL if self._terminal else _ELSEWHERE):
            self._shown = now
            self._show(f"{self._rate(now)}, {_duration(self._left(now))} left")

    def end(self) -> None:
        now = time.monotonic()
        self._show(f"{self._rate(now)}, {_duration(now - self._started)}")
        if self._terminal:
            say("")

    def _rate(self, now: float) -> str:
        return f"{(self._done - self._before) / max(now - self._started, 1e-3):,.1f} images/s"

    def _left(self, now: float) -> float:
        return (self._total - self._done) * (now - self._started) / max(self._done - self._before, 1)

    def _show(self, rest: str) -> None:
        errors = f", {self._errors:,} errors" if self._errors else ""
        text = f"{self._done:,} of {self._total:,}{errors}, {rest}"
        if self._terminal:
            print(f"\r{text:<78}", end="", file=sys.stderr, flush=True)
        else:
            say(text)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02.0f} s" if minutes else f"{seconds:.0f} s"
