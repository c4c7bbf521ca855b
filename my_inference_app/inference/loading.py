"""Loads a bundle. The time that this may take is bounded where a model may hang."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TypeVar

from ..bundles import bundle as bundles
from ..bundles import own_python
from ..bundles.bundle import Bundle
from ..errors import BundleError

T = TypeVar("T")


def load(folder: Path, load_timeout: float, use: Callable[[Bundle], T]) -> T:
    """The result of using the bundle in a folder."""
    work = partial(bundles.load, folder, use)
    return _within(load_timeout, folder, work) if own_python.is_there(folder) else work()


def _within(seconds: float, folder: Path, work: Callable[[], T]) -> T:
    """The result of the work. If it hangs, its thread is left behind: the process must end soon."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # raised again below
            future.set_exception(error)

    Thread(target=run, name="loading", daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError:
        if future.done():  # the work itself has raised it
            raise
    raise BundleError(
        f"the pipeline in {folder} was not ready after {seconds:g} s: its import, __init__, compile or first batch "
        "hangs, or needs a larger LOAD_TIMEOUT"
    )
