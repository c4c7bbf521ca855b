"""python -m my_inference_app.export: makes the bundle of a model.

Progress goes to stderr; stdout has nothing but the folder of the bundle.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from pathlib import Path

from ..bundles.store import full_name
from ..engines.base import EXPORTED
from ..errors import SettingError, SetupError
from ..settings import Settings
from . import input_flags
from .options import Calibration, Options
from .plan import Plan, run
from .sources import SOURCES, find


def main(arguments: list[str] | None = None) -> None:
    try:
        plan = _plan(arguments)
        with redirect_stdout(sys.stderr):  # torch, for one, prints its downloads on stdout
            folder = run(plan)
        print(folder)
    except SetupError as error:
        sys.exit(f"error: {error}")
    except OSError as error:  # such as a full disk below TMPDIR
        sys.exit(f"error: {error.filename or 'the export failed'}: {error.strerror or error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _plan(arguments: list[str] | None) -> Plan:
    settings = Settings.from_env()
    parser = _parser(settings)
    given = parser.parse_args(arguments)
    model = full_name(given.model)
    source = find(model)
    for flag in (name for other in SOURCES for name in sorted(other.flags - source.flags)):
        if getattr(given, flag):
            forms = ", ".join(other.form for other in SOURCES if flag in other.flags)
            parser.error(f"--{flag.replace('_', '-')} goes with {forms}")
    if given.weights and given.random_weights:
        parser.error("--weights and --random-weights exclude each other")
    if settings.model_revision and not source.revisions:
        raise SettingError(
            f"MODEL_REVISION={settings.model_revision} needs a model of the hub, and {given.model} is not one: unset it"
        )
    engines = tuple(given.engine or [settings.local_engine])
    if settings.precision == "int8" and engines != ("openvino",):
        raise SettingError("PRECISION=int8 is for the openvino engine")
    calibration = Calibration(Path(given.calibration), given.accept_agreement) if settings.precision == "int8" else None
    options = Options(
        model,
        settings.model_revision,
        given.weights,
        given.random_weights,
        given.labels,
        calibration,
        input_flags.options_of(given),
    )
    return Plan(options, settings.models_dir, engines, given.if_missing, given.fallback)


def _parser(settings: Settings) -> argparse.ArgumentParser:
    forms = ", ".join(source.form for source in SOURCES[:-1])
    parser = argparse.ArgumentParser(
        prog="python -m my_inference_app.export",
        description="Makes the bundle of a model: the folder that the server serves. Prints its path.",
        epilog="Other settings are environment variables: MODEL_REVISION, MODELS_DIR, PRECISION (int8 makes an int8 "
        "bundle), and the hub's own HF_HOME, HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE.",
    )
    add = parser.add_argument
    add(
        "model",
        nargs="?",
        default=settings.model,
        help=f"{forms} or {SOURCES[-1].form} (default: the setting MODEL, now %(default)s)",
    )
    add("--if-missing", action="store_true", help="keep the bundle if it exists, is undamaged and of this model")
    add("--fallback", default="", metavar="NAME", help="model to use instead if the hub cannot be reached")
    add(
        "--engine",
        action="append",
        choices=EXPORTED,
        help=f"engine to make the files for; may be repeated (default: that of the settings, {settings.local_engine})",
    )
    weights = parser.add_argument_group("weights and labels of your own")
    weights.add_argument(
        "--weights", type=Path, metavar="FILE", help="state dict of torchvision:NAME: .safetensors, or .pth of torch"
    )
    weights.add_argument("--labels", type=Path, metavar="FILE", help="names of the classes: a JSON list, or one a line")
    weights.add_argument(
        "--random-weights", action="store_true", help="random weights of torchvision:NAME, for measurements of speed"
    )
    input_flags.add_flags(parser)
    int8 = parser.add_argument_group("for PRECISION=int8")
    int8.add_argument(
        "--calibration",
        metavar="FOLDER",
        default=settings.calibration,
        help="images like those to be classified, at least 100 (default: the setting CALIBRATION)",
    )
    int8.add_argument(
        "--accept-agreement", action="store_true", help="write the bundle even if int8 disagrees with the float model"
    )
    return parser
