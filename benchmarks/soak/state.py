"""Measures the service: memory, threads, open files and processes, all its processes together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import psutil

from ..load import family

_ANONYMOUS = re.compile(r"^Pss_Anon:\s+(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True)
class State:
    memory_mb: float
    threads: int
    open_files: int
    processes: int

    @property
    def countable(self) -> tuple[int, int, int]:
        return self.threads, self.open_files, self.processes


def state(service: psutil.Process) -> State:
    members = family(service)
    return State(
        round(memory_mb(service), 1),
        sum(member.num_threads() for member in members),
        sum(_open_files(member) for member in members),
        len(members),
    )


def memory_mb(service: psutil.Process) -> float:
    """Without pages of files: the system shares them with other programs and reclaims them at any time."""
    return sum(_anonymous(member.pid) for member in family(service)) * 1024 / 1e6


def _anonymous(pid: int) -> int:
    try:
        found = _ANONYMOUS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:  # the process ended meanwhile
        return 0
    return int(found.group(1)) if found else 0


def _open_files(process: psutil.Process) -> int:
    """Without idle connections from nginx to the app, which nginx closes after a minute.

    A connection that a client has left counts, because its state is another.
    """
    kept = sum(connection.status == psutil.CONN_ESTABLISHED for connection in process.net_connections("tcp"))
    return int(process.num_fds()) - kept


def grown(before: State, after: State, percent: float) -> list[str]:
    """Names the measures that grew by more than so many percent."""
    pairs = {name: (value, vars(after)[name]) for name, value in vars(before).items()}
    return [
        f"{name.replace('_', ' ')} grew from {was} to {now}"
        for name, (was, now) in pairs.items()
        if now > was * (1 + percent / 100)
    ]
