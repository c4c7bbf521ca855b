"""The python engine: `class Pipeline` in a pipeline.py of the operator's own."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import numpy as np

from ..bundles import own_python
from ..bundles.bundle import Bundle
from ..errors import BundleError, first_line
from .base import Engine, Images, Logits, Options

_log = logging.getLogger(__name__)
_numbers = count(1)
_FAILURES = (Exception, SystemExit)

T = TypeVar("T")


@dataclass(frozen=True)
class PipelineSettings:
    """The argument of `Pipeline`."""

    folder: Path
    """Where its pipeline.py is, and perhaps weights."""
    threads: int
    """How many threads it should compute with."""
    device: str
    precision: str
    """As in PRECISION; empty leaves it to the pipeline."""


def load(bundle: Bundle, options: Options) -> Engine:
    """Each replica runs the file once more, so that replicas share nothing."""
    model = bundle.path / own_python.FILE
    module = _step(model, "its import", partial(_import, model))
    kind = getattr(module, "Pipeline", None)
    if not isinstance(kind, type):
        raise BundleError(f"{model} has no class Pipeline")
    settings = PipelineSettings(bundle.path, options.threads, options.device, options.precision)
    pipeline = _step(model, "Pipeline.__init__", partial(kind, settings))
    if not callable(pipeline):
        raise BundleError(f"{model}: Pipeline has no method __call__(self, images)")
    if prepare := getattr(module, "compile", None):
        _step(model, "compile", partial(prepare, pipeline))
    return _Pipeline(model, pipeline)


def _import(file: Path) -> ModuleType:
    """As a package of its own name: `from . import other` finds files beside it, and other models are not affected."""
    name = f"pipeline_{next(_numbers)}"
    spec = spec_from_file_location(name, file, submodule_search_locations=[str(file.parent)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python file")
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _step(file: Path, name: str, work: Callable[[], T]) -> T:
    _log.info("%s: %s", file, name)  # the last of these lines names a step that hangs
    try:
        return work()
    except _FAILURES as error:
        raise BundleError(f"{file}: {name} failed: {_reason(error, file)}") from error


def _reason(error: BaseException, file: Path) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    where = f" (line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}: {first_line(error)}{where}"


class _Pipeline:
    def __init__(self, file: Path, pipeline: Callable[[Images], object]) -> None:
        self._file = file
        self._pipeline = pipeline
        self._classes: int | None = None

    def __call__(self, images: Images, /) -> Logits:
        try:
            returned = self._pipeline(images)
        except _FAILURES as error:
            raise RuntimeError(f"{self._file} failed: {_reason(error, self._file)}") from error
        logits = self._as_array(returned)
        wanted = (len(images), self._classes or (logits.shape[-1] if logits.ndim else 0))
        if logits.shape != wanted:
            classes = self._classes or "classes"
            raise RuntimeError(
                f"{self._file} returned an array of shape {logits.shape} instead of ({len(images)}, {classes})"
            )
        if not np.isfinite(logits).all():
            raise RuntimeError(f"{self._file} returned NaN or infinity")
        self._classes = logits.shape[1]
        return logits

    def _as_array(self, returned: object) -> Logits:
        """A copy, since the pipeline may use its memory again."""
        try:
            if returned is None:  # numpy would make NaN of it
                raise TypeError("a return statement may be missing")
            with np.errstate(all="ignore"):
                return np.asarray(returned).astype(np.float32)
        except Exception as error:  # whatever the conversion of this object raises
            raise RuntimeError(
                f"{self._file} returned a {type(returned).__name__}, which is not an array of numbers: "
                f"{first_line(error)}"
            ) from error
