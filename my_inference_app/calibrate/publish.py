"""Writes what was learned into the bundle: its next generation, with the same model."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from ..bundles import bundle
from ..bundles.bundle import Bundle
from ..bundles.doubt import write_doubt
from ..bundles.manifest import DOUBT
from ..errors import SetupError
from .fit import Fitted
from .reliability import FILE as PLOT
from .reliability import plot

OWN_FILES = (DOUBT, PLOT)


def publish(made: Bundle, fitted: Fitted) -> Bundle:
    kept = [name for name in made.files if name not in OWN_FILES]
    made.verify(*kept)

    def fill(scratch: Path) -> None:
        for name in kept:
            shutil.copy(made.path / name, scratch / name)
        write_files(fitted, scratch)

    try:
        return bundle.write(replace(made, doubt=fitted.report), fill)
    except OSError as error:
        raise SetupError(f"the bundle cannot be written to {made.path}: {error.strerror}") from None


def write_files(fitted: Fitted, folder: Path) -> None:
    """The files of a calibrated bundle, beside those of its model. Its `doubt` is the report."""
    write_doubt(fitted.doubt, folder)
    drawn = plot(fitted.before, fitted.after, fitted.report["calibration_error"])
    (folder / PLOT).write_text(drawn, "utf-8")
