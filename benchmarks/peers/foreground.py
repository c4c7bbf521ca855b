"""Runs a server that starts processes of its own, and ends them all."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

GRACE_SECONDS = 10.0


def _exit(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def exit_on_signals() -> None:
    """SIGTERM and SIGINT end the program by SystemExit, so that `with` and `finally` still clean up."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)


def ignore_signals() -> None:
    """Keeps signals from interrupting the clean-up."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def run(argv: Sequence[str], environment: Mapping[str, str], folder: Path) -> int:
    """Runs argv in a folder until it ends or a signal arrives, then ends its descendants."""
    process = subprocess.Popen(argv, env={**os.environ, **environment}, cwd=folder, start_new_session=True)
    try:
        return process.wait()
    finally:
        ignore_signals()
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the leader first, which may end the others; then the rest, finally by force."""
    process.terminate()
    _wait(lambda: process.poll() is not None)
    for number in (signal.SIGTERM, signal.SIGKILL):
        _signal_session(process.pid, number)
        _wait(lambda: process.poll() is not None and not _members(process.pid))


def _wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GRACE_SECONDS
    while not done() and time.monotonic() < deadline:
        time.sleep(0.05)


def _signal_session(session: int, number: int) -> None:
    for process in _members(session):
        with suppress(ProcessLookupError):
            os.kill(process, number)


def _members(session: int) -> list[int]:
    """The session, not the process group: Ray gives each of its workers a group of its own."""
    processes = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [process for process in processes if _session(process) == session]


def _session(process: int) -> int | None:
    try:
        return os.getsid(process)
    except ProcessLookupError:
        return None
