"""What is printed for each image, in the form that was asked for."""

import argparse
import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from answers import BadAnswerError, Doubts, doubts, explanations, predictions
from output import say, shown
from overlays import Overlays
from sending import Result, failure

COLUMNS = ("image", "rank", "class_id", "label", "score", "model", "version", "error")
EIGHTHS = " ▏▎▍▌▋▊▉█"
BAR_LENGTH = 30
MOST_NAMED = 3
UNFAMILIAR = 0.05


class Report:
    """Prints the answers, and writes the maps if there is a folder for them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._lines_of = options.form
        self._overlays = Overlays(options.explain) if options.explain else None
        if self._lines_of is csv_rows:
            say(_csv_line(COLUMNS), sys.stdout)

    def add(self, path: Path, result: Result) -> bool:
        """Whether the image got the answer that was asked for."""
        try:
            if result.succeeded and self._overlays:
                result = Result(_with_files(path, result.body, self._overlays), result.status)
            lines = list(self._lines_of(path, result))
        except BadAnswerError as error:
            result = Result(failure("bad_answer", str(error)), result.status)
            lines = list(self._lines_of(path, result))
        if not result.succeeded:
            say(f"{shown(path)}: {result.problem}", sys.stderr)
        for line in lines:
            say(line, sys.stdout)
        return result.succeeded


def two_lines(path: Path, result: Result) -> Iterator[str]:
    if result.succeeded:
        yield f"Checking results for {shown(path)}"
        yield str(result.body)


def json_line(path: Path, result: Result) -> Iterator[str]:
    image = {"image": shown(path)}
    yield json.dumps(image | result.body | image)  # first, and never overwritten by the body


def csv_rows(path: Path, result: Result) -> Iterator[str]:
    """One row for each prediction, or one for the error."""
    if not result.succeeded:
        yield _csv_line((shown(path), *[""] * 6, result.problem))
        return
    model = [result.body.get(key, "") for key in ("model", "version")]
    for rank, found in enumerate(predictions(result.body), 1):
        yield _csv_line((shown(path), rank, found.class_id, found.label, f"{found.score:.6f}", *model, ""))


def _csv_line(cells: tuple[object, ...]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def bars(path: Path, result: Result) -> Iterator[str]:
    if not result.succeeded:
        return
    model = result.body.get("model")
    yield f"{shown(path)}  ({model})" if model else shown(path)
    for found in predictions(result.body):
        yield f"{found.score:8.1%}  {_bar(found.score):{BAR_LENGTH}}  {found.label}"
    yield from _doubts(doubts(result.body))
    for explained in result.body.get("explanations", ()):
        yield f"{'map':>8}  {explained['image']}"


def _doubts(found: Doubts | None) -> Iterator[str]:
    """Nothing, if the answer is certain or its model is not calibrated."""
    if found is None or found.certain:
        return
    if len(found.considered) > 1:
        further = len(found.considered) - 1 - MOST_NAMED
        names = [*found.considered[1 : 1 + MOST_NAMED], *([f"one of {further} more"] if further > 0 else [])]
        yield f"{'unsure':>8}  could also be {' | '.join(names)}"
    if found.familiar < UNFAMILIAR:
        yield f"{'unsure':>8}  the image is unlike those that the model was calibrated with"


def _bar(share: float) -> str:
    try:
        EIGHTHS.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return "#" * round(share * BAR_LENGTH)
    whole, rest = divmod(round(share * BAR_LENGTH * 8), 8)
    return EIGHTHS[8] * whole + EIGHTHS[rest].strip()


def _with_files(path: Path, body: dict[str, Any], overlays: Overlays) -> dict[str, Any]:
    """The answer with the names of the files in place of the images. A terminal has no use for images in base64."""
    labels = {found.class_id: found.label for found in predictions(body)}
    files = [
        overlays.save(path, found, labels.get(found.class_id, f"class {found.class_id}"))
        for found in explanations(body)
    ]
    explained = [{**entry, "image": str(file)} for entry, file in zip(body["explanations"], files, strict=True)]
    return {**body, "explanations": explained}
