"""python -m my_inference_app.teach PHOTOS --name NAME: makes a classifier of your own classes from photos.

Words and progress go to stderr; stdout has nothing but the folder of the bundle, or the report as JSON.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

from ..errors import SetupError
from ..progress import say
from ..settings import Settings
from .job import Job, run
from .summary import summary


def main(arguments: list[str] | None = None) -> None:
    try:
        given = _parser().parse_args(arguments)
        settings = Settings.from_env()
        if given.model:
            settings = replace(
                settings, model=given.model, model_revision="", bundle="", server_models=(), server_models_file=()
            )
        with redirect_stdout(sys.stderr):
            report = run(Job(given.photos, given.name, given.version or "", given.estimate, given.report), settings)
            say(summary(report))
        if given.json:
            print(json.dumps(report, indent=1, ensure_ascii=False))
        elif report["bundle"]:
            print(report["bundle"])
    except SetupError as error:
        sys.exit(f"error: {error}")
    except OSError as error:  # such as a full disk
        sys.exit(f"error: {error.filename or 'teaching failed'}: {error.strerror or error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m my_inference_app.teach",
        description="Makes a classifier of your own classes from photos, and says how good it is.",
        epilog="Other settings are those of the server, such as MODEL, MODELS_DIR, ENGINE and PRECISION. "
        "docs/teach.md describes the report.",
    )
    add = parser.add_argument
    add("photos", type=Path, metavar="PHOTOS", help="a folder that has a folder of photos for each class")
    add("--name", required=True, help="what the taught model is called")
    add("--model", default="", help="the model whose network it uses (default: the setting MODEL)")
    add("--version", type=_number, metavar="N", help="its version (default: one more than the last)")
    add("--estimate", action="store_true", help="only say how good it would be")
    add("--report", type=Path, metavar="FILE.html", help="write the report as a page with thumbnails, too")
    add("--json", action="store_true", help="print the report as JSON")
    return parser


def _number(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return text
