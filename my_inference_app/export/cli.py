"""python -m my_inference_app.export: makes the bundle of a model.

What goes on is told on stderr; the folder of the bundle is all that goes to stdout.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from .. import bundle
from ..bundle import ENGINE_FILES
from ..errors import BundleError, SetupError, SourceUnreachable
from ..settings import Settings, bundle_name
from .download import download
from .request import TORCHVISION, Request
from .steps import say, step


@dataclass(frozen=True)
class Plan:
    request: Request
    models_dir: Path
    engines: tuple[str, ...]
    if_missing: bool = False
    fallback: str = ""

    @property
    def folder(self) -> Path:
        return self.models_dir / bundle_name(self.request.model, self.request.revision)


def main(arguments: list[str] | None = None) -> None:
    try:
        print(run(_plan(arguments)))
    except SetupError as error:
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
        return _make(Plan(Request(plan.fallback), plan.models_dir, plan.engines, plan.if_missing))


def _make(plan: Plan) -> Path:
    if plan.if_missing and _is_there(plan):
        return plan.folder
    say(f"making the bundle of {plan.request.model}")
    downloaded = None
    if plan.request.of_hub:
        with step("fetching it from the hub"):
            downloaded = download(plan.request)
    with step("loading torch and transformers"):
        # Not at the top: what is there already should be found without waiting seconds for torch.
        work = import_module("my_inference_app.export.work")
    work.make_bundle(plan.request, downloaded, plan.folder, plan.engines)
    return plan.folder


def _is_there(plan: Plan) -> bool:
    try:
        found = bundle.read(plan.folder)
        for engine in plan.engines:
            found.file(engine)
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
        choices=tuple(ENGINE_FILES),
        help=f"make the file of this engine; may be repeated; else ENGINE, now {settings.engine}",
    )
    given = parser.parse_args(arguments)
    if not given.model.startswith(TORCHVISION) and (given.weights or given.random_weights or given.labels):
        parser.error("--weights, --random-weights and --labels go with torchvision:NAME")
    if given.weights and given.random_weights:
        parser.error("--weights and --random-weights exclude each other")
    return Plan(
        Request(given.model, settings.model_revision, given.weights, given.random_weights, given.labels),
        settings.models_dir,
        tuple(given.engine or [settings.engine]),
        given.if_missing,
        given.fallback,
    )
