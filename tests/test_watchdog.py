"""What counts as hanging, and how a worker ends in which something hangs."""

from __future__ import annotations

import subprocess
import sys

from my_inference_app.watchdog import InFlight
from tests.images import REPOSITORY

HANGS = """
import threading, time
from my_inference_app.watchdog import InFlight, watch

in_flight, begun = InFlight(), threading.Event()

def hang():
    with in_flight.computing():
        threading.Event().wait()

def neighbour():
    with in_flight.computing():
        begun.set()
        time.sleep(0.7)  # longer than the watchdog waits when nothing is computed
    print("computed", flush=True)

def stop_taking():
    print("stopping", flush=True)
    threading.Thread(target=neighbour).start()
    begun.wait()

threading.Thread(target=hang).start()
watch(in_flight, limit=2, grace=60, stop_taking=stop_taking)
"""


MANY_WAIT = """
import time
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from my_inference_app.inference.batching import Batcher
from my_inference_app.inference.waiting import Patience
from my_inference_app.watchdog import InFlight, watch

def engine(images):
    time.sleep(0.25)
    return np.zeros((len(images), 3), np.float32)

def request(_):
    with in_flight.request():
        (job,) = batcher.run([np.zeros((8, 8, 3), np.uint8)], Patience(time.monotonic() + 60))
        return job.logits is not None

in_flight = InFlight()
batcher = Batcher([engine], max_batch=1, queue_size=100, computing=in_flight.computing)
watch(in_flight, limit=1, grace=60, stop_taking=lambda: None)
with ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(request, range(8))))
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)


def test_only_computations_beyond_the_limit_hang() -> None:
    in_flight = InFlight()
    with in_flight.request():
        assert (in_flight.computations(), in_flight.hanging(0)) == (0, 0), "it waits for its turn"
        with in_flight.computing(), in_flight.computing():
            assert (in_flight.computations(), in_flight.hanging(0), in_flight.hanging(60)) == (2, 2, 0)
        assert (in_flight.computations(), in_flight.hanging(0)) == (0, 0)


def test_hanging_worker_ends_after_its_other_computations() -> None:
    done = run(HANGS)
    assert (done.returncode, done.stdout) == (1, "stopping\ncomputed\n")
    assert "1 request(s) hang for more than 2 s: this worker ends and is replaced" in done.stderr


def test_worker_in_which_many_requests_wait_does_not_end() -> None:
    """The last of them waits for twice the limit."""
    done = run(MANY_WAIT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "8\n", "")
