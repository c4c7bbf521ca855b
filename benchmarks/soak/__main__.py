"""make soak: loads the service with everything at once for minutes, and checks that nothing is lost and nothing grows.

It sends good, bad, huge and slow requests, and too many at once. Clients disconnect. Workers are reloaded and killed.
Each response is checked. The exit status is 1 if one was lost, or if the service uses more memory, threads, files or
processes at the end.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import threading
import time
from urllib.parse import urlsplit

from my_inference_app.settings import PROJECT

from .. import output
from ..machine_facts import facts
from ..rows import Started, WrongAnswer, service
from .clients import Target
from .counts import Counts
from .phases import Plan, Soak
from .report import Result, live_line, text, write
from .restarts import WORKERS
from .state import memory_mb

# A short queue, so that a part of each crowd is refused, and timeouts that suit a slow machine.
SETTINGS = {
    "MODEL": "efficientnet-lite0",
    "WORKERS": str(WORKERS),
    "THREADS": "8",
    "QUEUE_SIZE": "64",
    "REQUEST_TIMEOUT": "60",
    "HANG_TIMEOUT": "120",
}
_SECONDS_BETWEEN_LINES = 10


def main() -> None:
    given = _arguments()
    plan = Plan(60 * given.minutes, given.rounds, given.clients, given.crowd, given.pause)
    given.folder.mkdir(parents=True, exist_ok=True)
    (given.folder / "server.log").unlink(missing_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stop = threading.Event()
    image = PROJECT / "post_request" / "cat.jpg"
    print(f"starting the service; its log is {given.folder / 'server.log'}", file=sys.stderr)
    try:
        with service(SETTINGS, image, "cat", given.folder) as started:
            for number in (signal.SIGINT, signal.SIGTERM):  # end it early, with the counts so far
                signal.signal(number, lambda *_: stop.set())
            result = soak(started, plan, given.percent, stop)
    except WrongAnswer as problem:
        sys.exit(f"error: the service does not start properly: {problem}")
    except KeyboardInterrupt:
        sys.exit("stopped before it began")
    write(result, given.out)
    print(text(result))
    if result.problems:
        sys.exit(1)


def _arguments() -> argparse.Namespace:
    parser = output.parser("make soak", __doc__, ".benchmarks/soak")
    parser.add_argument(
        "--minutes", type=float, default=10, help="duration; below 8 the warm-up may be too short to judge growth"
    )
    parser.add_argument("--rounds", type=int, default=1, help="least number of disturbances of each kind in each part")
    parser.add_argument("--clients", type=int, default=8, help="clients that send one request after the other")
    parser.add_argument("--crowd", type=int, default=300, help="clients that send at the same time")
    parser.add_argument("--pause", type=float, default=10, help="seconds between two crowds, or two restarts")
    parser.add_argument("--percent", type=float, default=5, help="how much the service may grow")
    return parser.parse_args()


def soak(started: Started, plan: Plan, percent: float, stop: threading.Event) -> Result:
    counts, began = Counts(), time.monotonic()
    target = Target(urlsplit(started.url).port or 80, counts, stop)
    course = Soak(target, started.process, plan, Progress(began, counts, started).show)
    course.run()
    if sys.stderr.isatty():
        print(file=sys.stderr)
    seconds = time.monotonic() - began
    return Result(facts(), seconds, stop.is_set(), counts, course.before, course.after, percent)


class Progress:
    """Shows the counts so far: on a terminal in one line, elsewhere with a line every ten seconds."""

    def __init__(self, began: float, counts: Counts, started: Started) -> None:
        self._began, self._counts, self._process = began, counts, started.process
        self._shown = 0.0

    def show(self) -> None:
        now = time.monotonic()
        terminal = sys.stderr.isatty()
        if terminal or now - self._shown >= _SECONDS_BETWEEN_LINES:
            line = live_line(self._counts, now - self._began, memory_mb(self._process))
            if terminal:  # a line longer than the terminal would not be overwritten
                line = f"\r{line[: shutil.get_terminal_size().columns - 1]}\x1b[K"
            print(line, end="" if terminal else "\n", file=sys.stderr, flush=True)
            self._shown = now


if __name__ == "__main__":
    main()
