"""A short soak loses nothing. Its report names lost requests and growth."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from benchmarks.rows import Started
from benchmarks.soak import cases
from benchmarks.soak.__main__ import soak
from benchmarks.soak.cases import Case
from benchmarks.soak.clients import Target, each_once
from benchmarks.soak.counts import Counts
from benchmarks.soak.crowds import all_at_once
from benchmarks.soak.judge import Verdict
from benchmarks.soak.phases import Plan
from benchmarks.soak.report import Result, text
from benchmarks.soak.state import State, grown, state
from tests.benchmarks.scripted import scripted_server
from tests.live.service import REPOSITORY, environment, until

IMAGE = Case("image")


def test_short_soak_loses_nothing(started: Started) -> None:
    """Growth is not judged here: in seconds the service is not yet as large as it becomes."""
    plan = Plan(seconds=0, clients=1, crowd=150, pause=0.2, slowness=0.05)
    found = soak(started, plan, 1000, threading.Event())
    assert found.problems == [], text(found)
    assert found.counts.refused["many at once"] > 0, "the crowd was not large enough to test refusals"
    assert (found.counts.reloads, found.counts.kills, found.counts.hung_up) == (1, 1, 12)
    assert set(found.counts.names()) == {*(case.name for case in cases.every()), "many at once", "slow senders"}
    assert found.counts.without_answer() == frozenset()
    assert found.before and found.after
    assert found.before.processes == found.after.processes


def test_ctrl_c_ends_the_soak_with_its_counts(tmp_path: Path, efficientnet: Path) -> None:
    options = ["--minutes", "60", "--clients", "1", "--crowd", "20", "--folder", str(tmp_path / "work")]
    command = [sys.executable, "-m", "benchmarks.soak", *options, "--out", str(tmp_path)]
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment(BUNDLE=efficientnet), stdout=out, stderr=out
        )
    try:
        until(lambda: "answered" in log.read_text() or process.poll() is not None, seconds=300)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(300) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)
    assert children
    assert not any(child.is_running() for child in children)
    said = log.read_text()
    assert "minutes, stopped early\n" in said
    assert said.endswith((tmp_path / "soak.txt").read_text())
    assert "Traceback" not in said
    assert json.loads((tmp_path / "soak.json").read_text())["interrupted"] is True


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"nonsense\r\n\r\n"])
def test_broken_answer_counts_as_lost(answer: bytes) -> None:
    stop = threading.Event()
    stop.set()  # no pauses
    with scripted_server([answer] * 3) as url:
        target = Target(urlsplit(url).port or 0, Counts(), stop, [IMAGE], [IMAGE])
        each_once(target)
        all_at_once(target, 2)
    assert target.counts.lost == {"image": 1, "many at once": 2}
    assert target.counts.sent == 3


def test_refused_connection_counts_as_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    target = Target(port, Counts(), threading.Event(), [IMAGE], [IMAGE])
    each_once(target)
    all_at_once(target, 2)
    assert target.counts.lost == {"image": 1, "many at once": 2}


def result(counts: Counts, after: State, *, interrupted: bool = False) -> Result:
    machine: dict[str, object] = {"processor": "p", "cores": 2, "date": "d"}
    return Result(machine, 83, interrupted, counts, State(100.0, 50, 40, 6), after, 5)


def test_verdict_names_lost_requests_and_growth() -> None:
    counts = Counts()
    counts.add("image", Verdict("lost", "500 instead of 200"))
    said = text(result(counts, State(106.0, 50, 40, 7))).splitlines()
    assert said[0] == "p, 2 cores, d, 1:23 minutes"
    assert said[-1] == (
        "FAILED: 1 lost, the first: image: 500 instead of 200; "
        "memory mb grew from 100.0 to 106.0; processes grew from 6 to 7"
    )


def test_growth_below_the_percentage_is_accepted() -> None:
    before = State(100.0, 50, 40, 6)
    assert grown(before, State(104.9, 52, 42, 6), 5) == []
    assert len(grown(before, State(105.1, 53, 43, 7), 5)) == 4


def test_state_covers_the_process_and_its_children() -> None:
    code = "import sys; held = [b'x' * 20_000_000, open('/dev/null')]; print('here', flush=True); sys.stdin.read()"
    me = psutil.Process(os.getpid())
    before = state(me)
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe) as child:
        assert child.stdout and child.stdout.readline() == b"here\n"
        during = state(me)
    assert during.memory_mb > before.memory_mb + 19
    assert during.processes == before.processes + 1
    assert during.threads > before.threads
    assert during.open_files >= before.open_files + 4
