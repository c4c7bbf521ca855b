"""python -m my_inference_app.calibrate DATA: makes a bundle say how sure it is.

Progress and the result in words go to stderr; stdout has nothing but the folder of the bundle.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..bundles import bundle, own_python
from ..bundles.bundle import Bundle
from ..bundles.store import bundle_dir, newest
from ..engines.base import load_engine
from ..errors import SetupError, SourceError
from ..progress import say
from ..resources import cores
from ..settings import Settings
from .fit import COVERAGE, Fitted, fit, needed
from .photos import compute
from .publish import publish
from .reliability import FILE as PLOT


def main(arguments: list[str] | None = None) -> None:
    try:
        given = _parser().parse_args(arguments)
        settings = Settings.from_env()
        made = _bundle(settings)
        engine = load_engine(
            made, settings.local_engine, threads=cores(), device=settings.device[0], precision=settings.engine_precision
        )
        computed = compute(made, engine, given.folder, needed(given.coverage))
        fitted = fit(computed.logits, computed.classes, computed.statistics, given.coverage)
        written = publish(made, fitted)
        _tell(fitted, written)
        print(written.path)
    except SetupError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _bundle(settings: Settings) -> Bundle:
    """That of MODEL or BUNDLE, in its newest version."""
    made = bundle.read(newest(bundle_dir(settings)).folder)
    if own_python.FILE in made.files:
        raise SourceError(f"{made.path} is your own Python, and only exported bundles can be calibrated")
    return made


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m my_inference_app.calibrate",
        description="Calibrates the bundle of MODEL with photos whose labels are known: its scores come true as often "
        "as they say, and its answers say when they are uncertain, or when an image is unlike the photos.",
        epilog="The model comes from the settings of the server, such as MODEL, BUNDLE, PRECISION and ENGINE. "
        "docs/doubt.md says what is computed, and what it assumes.",
    )
    parser.add_argument(
        "folder",
        type=Path,
        metavar="DATA",
        help="photos in folders named by label, class index or WordNet id, or with a WordNet id in their names; the "
        "model must not have learned from them",
    )
    parser.add_argument(
        "--coverage",
        type=_share,
        default=COVERAGE,
        help="how often the labels in `set` have the right one among them (default: %(default)s)",
    )
    return parser


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1")
    return share


def _tell(fitted: Fitted, written: Bundle) -> None:
    report = fitted.report
    error = report["calibration_error"]
    say(f"{report['photos']} photos, {report['accuracy']:.1%} of them classified right")
    say(f"  temperature {report['temperature']:.3f}: expected calibration error {error['before']:.3f} before, "
        f"{error['after']:.3f} after")  # fmt: skip
    say(f"  a label is considered while those before it have {report['most_mass']:.3f} together, or less")
    say(f"  plot: {written.path / PLOT}")
    say("  a running server takes it over with `make reload`")
