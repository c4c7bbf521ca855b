"""Which of the signals that came together gunicorn gets to see; tests/live/test_reload.py shows reloads themselves."""

from __future__ import annotations

from signal import SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTTIN
from types import SimpleNamespace

import pytest

from my_inference_app.reloading import make_careful


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ([], []),
        ([SIGHUP], [SIGHUP]),
        ([SIGHUP, SIGHUP, SIGHUP], [SIGHUP]),
        ([SIGHUP, SIGCHLD, SIGHUP], [SIGCHLD, SIGHUP]),
        ([SIGTTIN, SIGTTIN, SIGCHLD], [SIGTTIN, SIGTTIN, SIGCHLD]),
        ([SIGHUP, SIGTERM], [SIGTERM]),
        ([SIGHUP, SIGCHLD, SIGHUP, SIGINT], [SIGINT]),
        ([SIGTERM, SIGQUIT], [SIGTERM, SIGQUIT]),
    ],
)
def test_reloads_are_one_and_come_last(sent: list[int], seen: list[int]) -> None:
    server = SimpleNamespace(reload=None, wait_for_signals=lambda _: sent)
    make_careful(server)
    assert server.wait_for_signals(timeout=1.0) == seen
