"""Writes the result of a soak, as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import output
from .counts import Counts
from .state import State, grown


@dataclass(frozen=True)
class Result:
    machine: dict[str, object]
    seconds: float
    interrupted: bool
    counts: Counts
    before: State | None
    after: State | None
    percent: float
    """How much the service may grow."""

    @property
    def problems(self) -> list[str]:
        counts = self.counts
        found = [f"{counts.lost.total()} lost, the first: {counts.reasons[0]}"] if counts.lost else []
        if self.before and self.after:
            found += grown(self.before, self.after, self.percent)
        return found


def clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def live_line(counts: Counts, seconds: float, memory_mb: float) -> str:
    return (
        f"{clock(seconds)}  {counts.sent:,} sent: {counts.answered.total():,} answered, "
        f"{counts.refused.total():,} refused, {counts.lost.total():,} LOST; "
        f"{counts.hung_up:,} hung up; {counts.reloads} reloads, {counts.kills} workers killed; {memory_mb:.0f} MB"
    )


def text(result: Result) -> str:
    counts = result.counts
    lines = [
        f"{output.headline(result.machine)}, {clock(result.seconds)} minutes"
        + (", stopped early" if result.interrupted else ""),
        "",
        f"{'sent':<10}{counts.sent:>9,}  by clients that waited for the response",
        f"{'answered':<10}{counts.answered.total():>9,}  the right labels, or the right error for a bad request",
        f"{'refused':<10}{counts.refused.total():>9,}  503 or 429 with Retry-After, when too many came at once",
        f"{'lost':<10}{counts.lost.total():>9,}  no answer, a wrong or a broken one",
        f"{'hung up':<10}{counts.hung_up:>9,}  clients that left on purpose",
        f"{'restarts':<10}{counts.reloads + counts.kills:>9,}  {counts.reloads} reloads (SIGHUP), "
        f"{counts.kills} workers killed (SIGKILL)",
        "",
        *_states(result),
        *(f"lost: {reason}" for reason in counts.reasons),
        verdict(result),
    ]
    return "\n".join(lines)


def _states(result: Result) -> list[str]:
    if not (result.before and result.after):
        return []
    rows = [f"{'':<14}{'after warm-up':>14}{'at the end':>12}"]
    for name, value in vars(result.before).items():
        title = "memory, MB" if name == "memory_mb" else name.replace("_", " ")
        rows.append(f"{title:<14}{value:>14}{vars(result.after)[name]:>12}")
    return [*rows, ""]


def verdict(result: Result) -> str:
    if result.problems:
        return "FAILED: " + "; ".join(result.problems)
    if not (result.before and result.after):
        return "ok: nothing was lost (too short to say whether anything grew)"
    return "ok: nothing was lost, nothing grew"


def write(result: Result, folder: Path) -> None:
    output.save(folder, "soak", text(result), as_data(result))


def as_data(result: Result) -> dict[str, Any]:
    counts = result.counts
    outcomes = {"answered": counts.answered, "refused": counts.refused, "lost": counts.lost}
    return {
        "machine": result.machine,
        "seconds": round(result.seconds),
        "interrupted": result.interrupted,
        "problems": result.problems,
        "sent": counts.sent,
        **{name: counter.total() for name, counter in outcomes.items()},
        "hung_up": counts.hung_up,
        "reloads": counts.reloads,
        "kills": counts.kills,
        "cases": {name: {key: counter[name] for key, counter in outcomes.items()} for name in counts.names()},
        "reasons": counts.reasons,
        "before": result.before and asdict(result.before),
        "after": result.after and asdict(result.after),
    }
