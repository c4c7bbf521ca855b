"""The report in words, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_MOST = 5


def summary(report: dict[str, Any]) -> str:
    return "\n".join(_lines(report))


def _lines(report: dict[str, Any]) -> Iterator[str]:
    low, high = report["interval"]
    yield f"right on {report['accuracy']:.0%} of photos that it has not seen (95 % interval {low:.0%} to {high:.0%})"
    width = max(len(entry["label"]) for entry in report["classes"])
    for entry in report["classes"]:
        low, high = entry["interval"]
        yield f"  {entry['label']:<{width}} {entry['accuracy']:>5.0%} of {entry['photos']:,} ({low:.0%} to {high:.0%})"
    yield from _listed("confused most", [_confusion(entry) for entry in report["confused"]])
    yield from _listed("taken for another class", [_mistake(entry) for entry in report["suspicious"]])
    yield from _listed("nearly the same", [" and ".join(entry["files"]) for entry in report["nearly_the_same"]])
    yield from _listed("left out", [f"{entry['file']}: {entry['reason']}" for entry in report["left_out"]])
    if comparison := report["comparison"]:
        yield (
            f"on {comparison['photos']} photos that version {comparison['version']} has not seen: it is right on "
            f"{comparison['before']:.0%}, the new one on {comparison['now']:.0%}"
        )
    yield from (f"advice: {line}" for line in report["advice"])


def _confusion(entry: dict[str, Any]) -> str:
    return f"{entry['label']} is taken for {entry['taken_for']}: {entry['photos']:g}"


def _mistake(entry: dict[str, Any]) -> str:
    return f"{entry['file']} looks like {entry['looks_like']} ({entry['score']:.0%})"


def _listed(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"{title}:"
    yield from (f"  {line}" for line in lines[:_MOST])
    if len(lines) > _MOST:
        yield f"  and {len(lines) - _MOST} more"
