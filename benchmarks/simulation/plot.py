"""The day as a picture: what came, how long it took, and how many pods served it."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .cluster import Scenario
from .record import Minute, Record, percentile
from .traffic import HOUR, SPIKE_AT

_BLUE, _ORANGE, _RED, _GREY = "#1f6feb", "#d9730d", "#c62828", "#57606a"


def save(record: Record, scenario: Scenario, file: Path) -> None:
    mpl.rcParams["svg.hashsalt"] = "simulation"  # the same day gives the same file
    figure = Figure(figsize=(10, 7.5), layout="constrained")
    rates, latencies, pods = figure.subplots(3, sharex=True)
    minutes = record.minutes[: round(scenario.hours * 60)]
    hours = [number / 60 for number in range(len(minutes))]
    _rates(rates, hours, minutes)
    _latencies(latencies, hours, minutes)
    _pods(pods, hours, minutes, scenario)
    pods.set_xlabel("hour of the day")
    pods.set_xlim(0, scenario.hours)
    pods.set_xticks(range(0, int(scenario.hours) + 1, 2))
    for axes in (rates, latencies, pods):
        axes.grid(color="#d0d7de", linewidth=0.5)
        for hour, name in ((scenario.node_lost_at / HOUR, "node lost"), (SPIKE_AT / HOUR, "spike")):
            if hour < scenario.hours:
                axes.axvline(hour, color=_GREY, linewidth=0.8, linestyle="--")
                axes.text(hour + 0.1, 0.9, name, transform=axes.get_xaxis_transform(), fontsize=8, color=_GREY)
        axes.legend(loc="upper left", fontsize=8)
    figure.savefig(file, metadata={"Date": None})


def _rates(axes: Axes, hours: list[float], minutes: list[Minute]) -> None:
    axes.plot(hours, [minute.arrived / 60 for minute in minutes], color=_BLUE, linewidth=1, label="arrived")
    lost = [(minute.arrived and sum(minute.ended.values()) - minute.ended["answered"]) / 60 for minute in minutes]
    axes.plot(hours, lost, color=_RED, linewidth=1, label="refused (503) or too late (504)")
    axes.set_ylabel("requests/s")
    axes.set_ylim(bottom=0)


def _latencies(axes: Axes, hours: list[float], minutes: list[Minute]) -> None:
    for share, colour in ((0.5, _BLUE), (0.95, _ORANGE), (0.99, _RED)):
        values = [percentile(minute.seconds, share) * 1000 or None for minute in minutes]
        axes.plot(hours, values, color=colour, linewidth=1, label=f"p{share * 100:.0f}")  # type: ignore[arg-type]
    axes.set_ylabel("latency, ms")
    axes.set_yscale("log")


def _pods(axes: Axes, hours: list[float], minutes: list[Minute], scenario: Scenario) -> None:
    axes.step(hours, [minute.ready for minute in minutes], color=_BLUE, where="post", label="pods that serve")
    axes.step(
        hours, [minute.wanted for minute in minutes], color=_ORANGE, linestyle=":", where="post",
        label="pods that the autoscaler wants",
    )  # fmt: skip
    axes.set_ylabel("pods")
    axes.set_ylim(0, scenario.rules.most + 1)
