"""Reloads that cannot take the service down.

On SIGHUP gunicorn ends the old workers as soon as it has forked the new ones, whether those can load the model or not.
Here a process of its own tries first; where it fails, the old workers go on. See also Worker.load_wsgi in worker.py.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from my_inference_app import metrics

_LONGEST_TRIAL = 120  # seconds, as long as gunicorn gives a worker
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


def make_careful(server: Any) -> None:
    """Replaces what gunicorn's Arbiter has no hooks for."""
    _try_before_reloading(server)
    _stop_before_reloading(server)


def _stop_before_reloading(server: Any) -> None:
    """A reload takes seconds. Those that are asked for meanwhile are one, and none when the service is to stop."""
    wait = server.wait_for_signals

    def wait_for_signals(timeout: float = 1.0) -> list[int]:
        signals: list[int] = wait(timeout)
        stops = [number for number in signals if number in _STOP_SIGNALS]
        if stops or signal.SIGHUP not in signals:
            return stops or signals
        return [*(number for number in signals if number != signal.SIGHUP), signal.SIGHUP]

    server.wait_for_signals = wait_for_signals


def _try_before_reloading(server: Any) -> None:
    reload = server.reload

    def reload_if_it_loads() -> None:
        if _loads(server):
            reload()
        else:
            server.log.error("not reloaded, the workers go on with what they have: the lines above say why")

    server.reload = reload_if_it_loads


def _loads(server: Any) -> bool:
    """Whether a worker could start: a child does all that one does before it serves."""
    child = os.fork()
    if child:
        loaded = os.waitpid(child, 0)[1] == 0
        metrics.forget_worker(child)
        return loaded
    code = 1
    try:
        signal.alarm(_LONGEST_TRIAL)
        server.app.wsgi()
        code = 0
    except Exception:  # wsgi.py tells what was foreseen by itself, and exits
        server.log.exception("the app does not load")
    finally:
        os._exit(code)
