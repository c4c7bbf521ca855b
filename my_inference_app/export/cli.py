"""python -m my_inference_app.export: makes the bundle of a model.

What goes on is told on stderr; the folder of the bundle is all that goes to stdout.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ..bundles import bundle
from ..bundles.store import bundle_name
from ..engines.base import ENGINES, model_file
from ..errors import BundleError, SettingError, SetupError, SourceUnreachable
from ..settings import Settings
from .options import TORCHVISION, Calibration, Options
from .progress import say, step


@dataclass(frozen=True)
class Plan:
    request: Options
    models_dir: Path
    engines: tuple[str, ...]
    if_missing: bool = False
    fallback: str = ""

    @property
    def folder(self) -> Path:
        precision = "int8" if self.request.calibration else "auto"
        return self.models_dir / bundle_name(self.request.model, self.request.revision, precision)


def main(arguments: list[str] | None = None) -> None:
    try:
        with redirect_stdout(sys.stderr):  # torch says there what it downloads, for one
            folder = run(_plan(arguments))
        print(folder)
    except (SetupError, OSError) as error:  # OSError: no place for the bundle
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def run(plan: Plan) -> Path:
    """Makes the bundle, or finds it made; returns its folder."""
    try:
        return _make(plan)
    except SourceUnreachable as error:
        if not plan.fallback:
            raise
        say(f"\n*** {error}.")
        say(f"*** Using {plan.fallback} INSTEAD of {plan.request.model}; name a MODEL to get that one or an error.\n")
        return _make(Plan(Options(plan.fallback), plan.models_dir, plan.engines, plan.if_missing))


def _make(plan: Plan) -> Path:
    if plan.if_missing and _is_there(plan):
        return plan.folder
    if plan.request.calibration and not plan.request.calibration.folder.name:
        raise SettingError(
            "PRECISION=int8 is made with pictures like those to come: name a folder of them as CALIBRATION"
        )
    say(f"making the bundle of {plan.request.model}")
    downloaded = None
    # These are not imported at the top: what is there already should be found without waiting seconds for torch.
    if plan.request.of_hub:
        with step("fetching it from the hub"):
            downloaded = import_module("my_inference_app.export.sources.download").download(plan.request)
    with step("loading torch and transformers"):
        work = import_module("my_inference_app.export.pipeline")
    work.make_bundle(plan.request, downloaded, plan.folder, plan.engines)
    return plan.folder


def _is_there(plan: Plan) -> bool:
    try:
        found = bundle.read(plan.folder)
        for engine in plan.engines:
            model_file(found, engine)
        if Path(plan.request.model).is_dir():  # it may have changed, or another folder may have had the same name
            download = import_module("my_inference_app.export.sources.download")
            return bool(found.source == download.origin_of_folder(Path(plan.request.model)))
    except BundleError:
        return False
    return True


def _plan(arguments: list[str] | None) -> Plan:
    settings = Settings.from_env()
    parser = argparse.ArgumentParser(prog="python -m my_inference_app.export", description="Makes a model's bundle.")
    add = parser.add_argument
    add(
        "model",
        nargs="?",
        default=settings.model,
        help="hub id, folder in hub format, efficientnet-lite0 or torchvision:NAME; else MODEL, now %(default)s",
    )
    add("--fallback", default="", metavar="NAME", help="the model to take if the hub is out of reach")
    add("--if-missing", action="store_true", help="keep a bundle that is there already")
    add("--weights", type=Path, metavar="FILE", help="torchvision: weights from a file of its state dict")
    add("--random-weights", action="store_true", help="torchvision: random weights, for measurements")
    add("--labels", type=Path, metavar="FILE", help="torchvision: names of the classes, a JSON list or one a line")
    add(
        "--engine",
        action="append",
        choices=tuple(ENGINES),
        help=f"make the file of this engine; may be repeated; else ENGINE, now {settings.engine}",
    )
    add(
        "--calibration",
        metavar="FOLDER",
        default=settings.calibration,
        help="pictures for PRECISION=int8; or CALIBRATION",
    )
    add(
        "--accept-agreement", action="store_true", help="write an int8 bundle even if it disagrees with the float model"
    )
    given = parser.parse_args(arguments)
    if not given.model.startswith(TORCHVISION) and (given.weights or given.random_weights or given.labels):
        parser.error("--weights, --random-weights and --labels go with torchvision:NAME")
    if given.weights and given.random_weights:
        parser.error("--weights and --random-weights exclude each other")
    engines = tuple(given.engine or [settings.engine])
    if settings.precision == "int8" and engines != ("openvino",):
        raise SettingError("PRECISION=int8 is for the openvino engine")
    return Plan(
        Options(
            given.model,
            settings.model_revision,
            given.weights,
            given.random_weights,
            given.labels,
            Calibration(Path(given.calibration), given.accept_agreement) if settings.precision == "int8" else None,
        ),
        settings.models_dir,
        engines,
        given.if_missing,
        given.fallback,
    )
