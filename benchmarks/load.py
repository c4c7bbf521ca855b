"""Loads a server with wrk, and measures the CPU time and memory of its processes meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import psutil

HERE = Path(__file__).parent
SCRIPT = HERE / "load.lua"


@dataclass(frozen=True)
class Measured:
    """The result of one load of one server."""

    connections: int
    images_per_second: float
    p50_ms: float
    p99_ms: float
    refused: int
    failed: int
    cpu_seconds_per_1000: float
    peak_mb: float


def wrk(
    url: str,
    connections: int,
    seconds: int,
    image: Path,
    field: str = "image",
    script: Path = SCRIPT,
    **variables: str,
) -> dict[str, float]:
    """Further variables are for the script."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", str(script), url]
    report = str(HERE / "report.lua")
    environment = {**os.environ, "IMAGE": str(image), "FIELD": field, "REPORT": report, **variables}
    text = subprocess.check_output(command, env=environment, text=True, timeout=seconds + 90)
    found: dict[str, float] = json.loads(text.splitlines()[-1])
    return found


def measure(
    url: str,
    process: psutil.Process,
    connections: int,
    seconds: int,
    image: Path,
    field: str = "image",
    **variables: str,
) -> Measured:
    with Watch(process) as watch:
        got = wrk(url, connections, seconds, image, field, SCRIPT, **variables)
    answered = max(1.0, got["requests"] - got["refused"])
    return Measured(
        connections=connections,
        images_per_second=(got["requests"] - got["refused"]) / got["seconds"],
        p50_ms=got["p50"],
        p99_ms=got["p99"],
        refused=int(got["refused"]),
        failed=int(got["failed"]),
        cpu_seconds_per_1000=watch.cpu_seconds / answered * 1000,
        peak_mb=watch.peak_mb,
    )


class Watch:
    """CPU time and peak memory of a process and all its descendants."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self.cpu_seconds = 0.0
        self.peak_mb = 0.0

    def __enter__(self) -> Watch:
        self._before = self._cpu()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.cpu_seconds = self._cpu() - self._before

    def _sample(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, memory_mb(self._process))
            if self._stop.wait(0.5):
                return

    def _cpu(self) -> float:
        return sum(_cpu_seconds(member) for member in family(self._process))


def family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def gunicorn_of(process: psutil.Process) -> psutil.Process:
    """The gunicorn process among the children of `my_inference_app.run`; its own children are the workers."""
    return next(child for child in process.children() if "gunicorn" in " ".join(child.cmdline()))


def memory_mb(process: psutil.Process) -> float:
    """The proportional set size, which counts a page shared by several processes once."""
    return sum(_pss(member) for member in family(process)) / 1e6


def _pss(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss)
    except psutil.Error:  # it has just ended
        return 0.0


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)
