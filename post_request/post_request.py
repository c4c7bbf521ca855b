#!/usr/bin/env python3
"""Send images to the prediction service and print its answers."""

import argparse
import io
import os
import stat
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

try:
    import requests
except ModuleNotFoundError as missing:
    sys.exit(f"No module named {missing.name!r}: run post_request/pre_post_request.sh and the command that it prints")

from output import progress, say
from reporting import Report, bars, csv_rows, json_line, two_lines
from sending import predict

DEFAULT_URL = "http://localhost/predict"
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".mpo"}


def check_all(options: argparse.Namespace) -> int:
    status = 0
    report = Report(options)
    # No `with` for the pool: on Ctrl-C it would wait for the requests under way.
    pool = ThreadPoolExecutor(options.concurrency)
    with progress(len(options.images)) as bar:
        results = pool.map(partial(predict, options=options), options.images)
        for path, result in zip(options.images, results, strict=True):
            if not report.add(path, result):
                status = 1
            if bar is not None:
                bar.update()
    return status


def between(low: float, high: float, kind: type[float] = int) -> Callable[[str], float]:
    def parse(text: str) -> float:
        with suppress(ValueError):
            if low <= (value := kind(text)) <= high:
                return value
        noun = "whole number" if kind is int else "number"
        message = f"{text!r} is not a {noun} from {low:g} to {high:g}"
        raise argparse.ArgumentTypeError(message)

    return parse


def service_url(text: str) -> str:
    with suppress(ValueError):
        parts = urlsplit(text)
        requests.Request("POST", text).prepare()
        (parts.hostname or "").encode("idna")  # finds names that would only fail on connecting
        if parts.scheme in {"http", "https"}:
            return text
    message = f"{text!r} is not an address like {DEFAULT_URL}"
    raise argparse.ArgumentTypeError(message)


def api_key(text: str) -> str:
    """The message leaves the key out: it would end up in logs."""
    if text.isascii() and text.isprintable() and text.strip() == text:
        return text
    raise argparse.ArgumentTypeError("a key is printable ASCII, without spaces around it")


def images(path: Path, parser: argparse.ArgumentParser) -> list[Path]:
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        parser.error(f"no such file or folder: {path}")
    except OSError:
        is_folder = False  # reading it reports the reason
    if not is_folder:
        return [path]
    inside = (p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and not p.is_dir())
    return sorted(inside) or parser.error(f"no images in folder: {path}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        usage="%(prog)s [options] IMAGE [IMAGE ...]",
        epilog="Exit status: 0 every image got an answer, 1 some did not, 2 wrong usage.",
    )
    add = parser.add_argument
    add("images", metavar="IMAGE", nargs="+", type=Path, help="an image file, or a folder with image files")
    add("--url", default=DEFAULT_URL, type=service_url, help="the service (default: %(default)s)")
    add("--model", metavar="NAME", help="one of several models that the service has (default: its first)")
    form = parser.add_mutually_exclusive_group()
    for name, function, text in (
        ("--pretty", bars, "print labels with bars"),
        ("--json", json_line, "print one line of JSON for each image"),
        ("--csv", csv_rows, "print one row for each prediction"),
    ):
        form.add_argument(name, dest="form", action="store_const", const=function, default=two_lines, help=text)
    add("--explain", metavar="FOLDER", type=Path, help="write maps of what the model looked at, and a page with them")
    key_help = "key of the service; the environment variable API_KEY keeps it out of lists of processes"
    add("--api-key", metavar="KEY", default=os.environ.get("API_KEY", ""), type=api_key, help=key_help)
    numbers = (
        ("--concurrency", "N", between(1, 256), 1, "images sent at the same time"),
        ("--top-k", "N", between(1, 1000), None, "how many predictions to ask for"),
        ("--retries", "N", between(0, 100), 5, "further attempts while the service is busy"),
        ("--timeout", "SECONDS", between(0.1, 86400, float), 30, "time limit of each attempt"),
    )
    for name, metavar, kind, default, text in numbers:
        shown_default = "" if default is None else f" (default: {default})"
        add(name, metavar=metavar, type=kind, default=default, help=text + shown_default)
    options = parser.parse_args()
    options.images = [image for path in options.images for image in images(path, parser)]
    return options


def main() -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that cannot be encoded must not end the program
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return check_all(parse_arguments())
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:
        status = 1
    except OSError as error:  # predict() handles its own, so this is about the output
        say(f"cannot write {error.filename or 'the answers'}: {error.strerror}", sys.stderr)
        status = 1
    os._exit(status)  # a usual exit would wait for the requests under way


if __name__ == "__main__":
    sys.exit(main())
