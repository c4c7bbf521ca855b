"""What is to be made, and making it: the steps of an export in their order."""

from __future__ import annotations

import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import FrameType

from ..bundles.store import bundle_name
from ..errors import SettingError, SourceUnreachable
from ..progress import say
from ..settings import PROJECT
from .destination import prepare
from .existing import is_current
from .options import Options
from .progress import megabytes, step
from .sources import find


@dataclass(frozen=True)
class Plan:
    options: Options
    models_dir: Path
    engines: tuple[str, ...]
    if_missing: bool = False
    fallback: str = ""

    @property
    def folder(self) -> Path:
        precision = "int8" if self.options.calibration else "auto"
        return self.models_dir / bundle_name(self.options.stored_as, self.options.revision, precision)


def run(plan: Plan) -> Path:
    """Makes the bundle, or finds it; returns its folder."""
    try:
        return _run(plan)
    except SourceUnreachable as error:
        if not plan.fallback:
            raise
        say(f"\n*** {error}.")
        say(f"*** Using {plan.fallback} INSTEAD of {plan.options.model}. Set MODEL to get that model or an error.\n")
        return _run(Plan(Options(plan.fallback), plan.models_dir, plan.engines, plan.if_missing))


def _run(plan: Plan) -> Path:
    if not (plan.if_missing and is_current(plan.folder, plan.options, plan.engines)):
        _make(plan)
    if plan.options.variant:  # MODEL alone does not lead to it
        say(f"Serve it with: {_serve_command(plan)}")
    return plan.folder


def _make(plan: Plan) -> None:
    started = time.perf_counter()
    calibration = plan.options.calibration
    if calibration and not calibration.folder.name:
        raise SettingError("PRECISION=int8 needs images like those to come: set CALIBRATION to a folder of them")
    source = find(plan.options.model)
    if unable := [engine for engine in plan.engines if engine not in source.engines]:
        raise SettingError(
            f"ENGINE={unable[0]} cannot serve {plan.options.model}: use ENGINE={' or '.join(source.engines)}"
        )
    prepare(plan.folder)
    say(f"Making the bundle of {plan.options.name}")
    downloaded = source.download(plan.options)
    # Not imported at the top: an existing bundle is found without the seconds that torch takes.
    with step("loading torch and other libraries"):
        pipeline = import_module("my_inference_app.export.pipeline")
        source.loader()
    with step("loading the weights"):
        model = source.load(plan.options, downloaded)
    with _cleaning_up_on_sigterm():
        made = pipeline.make_bundle(model, plan.folder, plan.engines, calibration)
    seconds = time.perf_counter() - started
    say(f"Wrote {made.path}: {megabytes(made.path.iterdir())} in {seconds:.0f} s")


@contextmanager
def _cleaning_up_on_sigterm() -> Iterator[None]:
    """Turns SIGTERM into an exception while there are temporary folders, so that they are removed."""

    def stop(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second signal must not interrupt the cleaning up
        sys.exit(128 + number)

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _serve_command(plan: Plan) -> str:
    folder = plan.folder.resolve()
    shown = folder.relative_to(PROJECT) if folder.is_relative_to(PROJECT) else folder
    engine = "" if "openvino" in plan.engines else f" ENGINE={plan.engines[0]}"
    return f"make run BUNDLE={shlex.quote(str(shown))}{engine}"
