"""A worker's end, beside what tests/live sees of it."""

from __future__ import annotations

import subprocess
import sys

# Between any two lines of what runs for the signal, the signal comes again.
TOLD_AGAIN_MEANWHILE = """
import faulthandler, signal, sys
from my_inference_app import worker

faulthandler.dump_traceback_later(20, exit=True)
calls = []
signal.signal(signal.SIGTERM, lambda *_: calls.append(1))
is_stopping = worker.noted_stop()
assert not is_stopping()

def trace(frame, event, argument):
    if event == "line":
        signal.raise_signal(signal.SIGTERM)
    return trace

sys.settrace(trace)
signal.raise_signal(signal.SIGTERM)
sys.settrace(None)
assert is_stopping() and len(calls) > 2, calls
"""


def test_worker_that_is_told_to_stop_again_meanwhile_does_not_hang() -> None:
    """gunicorn repeats SIGTERM while a worker finishes its requests."""
    subprocess.run([sys.executable, "-c", TOLD_AGAIN_MEANWHILE], check=True, timeout=60)
