"""python -m my_inference_app.batch SOURCE --out FILE: classifies many images into a Parquet file.

Progress goes to stderr; stdout has nothing but the path of the results. The same command again goes on where the last
one stopped.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import SetupError
from ..settings import Settings
from ..settings.ray import cluster_address
from .job import Job, run
from .sources import FORMS

_MOST_TOP_K = 1000
_LONGEST = 3600.0


def main(arguments: list[str] | None = None) -> None:
    again = "run the same command again to go on"
    try:
        given = _parser().parse_args(arguments)
        job = Job(
            given.source,
            given.out,
            given.top_k,
            given.embeddings,
            given.column or "",
            save_every=given.save_every,
            ray=given.ray or "",
        )
        run(job, Settings.from_env())
        print(given.out)
    except SetupError as error:
        sys.exit(f"error: {error}")
    except OSError as error:  # such as a full disk
        sys.exit(f"error: {error.filename or given.out}: {error.strerror or error}; {again}")
    except KeyboardInterrupt:
        print(f"stopped: {again}", file=sys.stderr)
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m my_inference_app.batch",
        description="Classifies many images into a Parquet file. The same command again goes on after an interruption.",
        epilog="The model comes from the settings of the server, such as MODEL, BUNDLE, PRECISION, ENGINE and DEVICE. "
        "docs/batch.md describes the results.",
    )
    add = parser.add_argument
    add("source", type=_path, metavar="SOURCE", help=FORMS)
    add("--out", type=_path, required=True, metavar="FILE", help="the Parquet file to write")
    add("--top-k", type=_top_k, default=5, metavar="N", help="classes in the column top_k (default: %(default)s)")
    add("--embeddings", action="store_true", help="write the column embedding, for models that have features")
    add("--column", metavar="NAME", help="of a Parquet file with several columns of bytes, the one with the images")
    add(
        "--save-every",
        type=_seconds,
        default=5.0,
        metavar="SECONDS",
        help="how much work a kill can cost at most (default: %(default)s)",
    )
    add("--ray", type=_cluster, metavar="ADDRESS", help="compute on the Ray cluster with this head, see docs/ray.md")
    return parser


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("a path is missing")
    return Path(text)


def _cluster(text: str) -> str:
    try:
        return cluster_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None


def _top_k(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_TOP_K:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {_MOST_TOP_K}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {_LONGEST:.0f}")
    return seconds
