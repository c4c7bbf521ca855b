"""python -m my_inference_app.cluster.relay ADDRESS SOCKET: passes a worker's calls on to a Ray cluster.

A worker starts it (engines/relay.py), and it ends with its stdin. Each connection makes one call at a time.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from functools import cache
from multiprocessing.connection import Connection, Listener
from threading import Thread
from typing import Any

from ray import serve
from ray.exceptions import RayError, RayTaskError
from ray.serve.exceptions import BackPressureError, RayServeException

from ..engines.frames import Array, Header, receive, send
from ..engines.relay import READY, absent
from ..errors import SetupError, first_line
from .connection import connect

_PAUSE = 0.05
"""Seconds between the loss of a replica and the next try."""
_LOOK_EVERY = 2.0
"""Seconds between looks for the head of the cluster."""
Answer = tuple[Header, dict[str, Array]]


class _Client:
    def __init__(self) -> None:
        self._handle = cache(serve.get_app_handle)

    def answer(self, header: Header, arrays: dict[str, Array]) -> Answer:
        deadline = time.monotonic() + header["seconds"]
        try:
            if "find" in header:
                self._handle(header["find"])
                return {}, {}
            return self._compute(self._handle(header["compute"]), arrays["images"], header["features"], deadline)
        except RayServeException:  # no Serve, or no such application
            return {"error": "missing"}, {}

    def _compute(self, handle: Any, images: Array, features: bool, deadline: float) -> Answer:
        """Tries again on another replica if one is lost: to compute twice does no harm."""
        while time.monotonic() < deadline:
            response = handle.compute.remote(images, features)
            try:
                logits, maps = response.result(timeout_s=max(0.0, deadline - time.monotonic()))
                return {}, {"logits": logits} | ({"features": maps} if features else {})
            except BackPressureError:
                return {"error": "overloaded"}, {}
            except TimeoutError:
                response.cancel()
            except RayTaskError as error:  # raised by the model, with its traceback
                return {"error": "failed", "message": str(error)}, {}
            except (RayError, RayServeException):
                time.sleep(_PAUSE)
        return {"error": "lost"}, {}


def main(address: str, place: str) -> None:
    Thread(target=_end_with_stdin, daemon=True).start()
    say = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Ray prints is not for the worker
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    try:
        connect(address)
        listener = Listener(place, "AF_UNIX")
    except (SetupError, OSError) as error:
        print(first_line(error), file=say, flush=True)
        os._exit(1)
    print(READY, file=say, flush=True)
    Thread(target=_end_with_head, args=(address,), daemon=True).start()
    client = _Client()
    while True:
        Thread(target=_serve, args=(listener.accept(), client), daemon=True).start()


def _end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)  # Ray takes seconds to end in good order, and there is nothing to be saved


def _end_with_head(address: str) -> None:
    """Cuts off the calls that are under way, too: a client of Ray rarely comes back by itself.

    One that outlives the head of its cluster asks the next head again and again, on half a core of each.
    """
    while not absent(address):
        time.sleep(_LOOK_EVERY)
    os._exit(1)


def _serve(connection: Connection, client: _Client) -> None:
    while True:
        try:
            header, results = client.answer(*receive(connection))
            send(connection, header, **results)
        except (OSError, EOFError):  # the worker has closed it
            connection.close()
            return
        except Exception as error:  # a cluster that ends makes Ray raise what it likes
            print(f"{type(error).__name__}: {first_line(error)}", file=sys.stderr, flush=True)
            os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
