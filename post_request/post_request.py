#!/usr/bin/env python3
"""Send images to the prediction service and print its answers."""

import argparse
import io
import json
import os
import random
import re
import stat
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from http.client import IncompleteRead
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

try:
    import requests
    from tqdm import tqdm
except ModuleNotFoundError as missing:
    sys.exit(f"No module named {missing.name!r}: run post_request/pre_post_request.sh and the command that it prints")

DEFAULT_URL = "http://localhost/predict"
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".mpo"}
RETRY_STATUSES = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
MAX_FILE_BYTES = 1 << 30  # the service's own limit is never higher
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
JITTER = random.SystemRandom()


class PerThread(threading.local):
    """Sessions are not thread-safe, and a new session for each image would reconnect each time."""

    def __init__(self) -> None:
        self.session = requests.Session()


PER_THREAD = PerThread()


@dataclass(frozen=True)
class Result:
    """The outcome for one image: the service's JSON, or an error of the client in the same shape."""

    body: dict[str, Any]
    status: int | None = None
    retry: bool = False
    retry_after: str | None = None

    @property
    def succeeded(self) -> bool:
        return self.status == HTTPStatus.OK and self.body["success"] is True

    @property
    def problem(self) -> str:
        error = self.body["error"]
        status = f"{self.status} " if self.status else ""
        return f"{status}{error['code']}: {error['message']}"


def failure(code: str, message: str) -> dict[str, Any]:
    return {"success": False, "error": {"code": code, "message": message}}


def predict(path: Path, options: argparse.Namespace) -> Result:
    try:
        image = read(path)
    except OSError as error:
        return Result(failure("unreadable_file", error.strerror or str(error)))
    attempt = 0
    while (result := post(path.name, image, options)).retry and attempt < options.retries:
        pause = pause_before_retry(attempt, result.retry_after)
        attempt += 1
        if sys.stderr.isatty():  # explain the wait to the person in front of the terminal
            note = f"retry {attempt} of {options.retries} in {pause:.1f} s"
            say(f"{shown(path)}: {result.problem}; {note}", sys.stderr)
        time.sleep(pause)
    return result


def read(path: Path) -> bytes:
    """A pipe could make the client wait for ever, and a device could fill its memory."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError("not a regular file")
    if found.st_size > MAX_FILE_BYTES:
        raise OSError(f"larger than {MAX_FILE_BYTES >> 20} MB")
    return path.read_bytes()


def post(name: str, image: bytes, options: argparse.Namespace) -> Result:
    # A name that is not valid Unicode cannot be sent; its image still can.
    name = name.encode("utf-8", "replace").decode()
    try:
        response = PER_THREAD.session.post(
            options.url,
            params={"top_k": options.top_k},
            files={"image": (name, image)},
            # Not as `Authorization`: requests would replace that by an entry in ~/.netrc.
            headers={"X-API-Key": options.api_key} if options.api_key else None,
            timeout=options.timeout,
            allow_redirects=False,  # following one would turn the POST into a GET
        )
    except requests.RequestException as error:
        return explain(error, options)
    status = response.status_code
    retry_after = response.headers.get("Retry-After")
    # 502 with Retry-After comes from a service that is starting; any other gateway's 502 may last.
    retry = status in RETRY_STATUSES or (status == HTTPStatus.BAD_GATEWAY and retry_after is not None)
    return Result(understand(response), status, retry, retry_after)


def explain(error: BaseException, options: argparse.Namespace) -> Result:
    """The operating system's message is the clearest; requests wraps it several times."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    retry = isinstance(error, (ConnectionError, TimeoutError, IncompleteRead))
    if isinstance(error, TimeoutError):
        message = f"no answer from {options.url} within {options.timeout:g} s"
        return Result(failure("timeout", message), retry=retry)
    reason = getattr(error, "strerror", None) or str(error)
    return Result(failure("connection_failed", f"{reason} ({options.url})"), retry=retry)


def understand(response: requests.Response) -> dict[str, Any]:
    """The service's JSON, or an error for anything else: another program may listen at that address."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        body = None
    match body:
        case {"success": True} if response.status_code == HTTPStatus.OK:
            return dict(body)
        case {"error": {"code": str(), "message": str()}}:
            return {**body, "success": False}
    if response.is_redirect:
        return failure("moved", f"the service is at {response.headers['Location']}")
    beginning = response.content[:80].decode("utf-8", "replace")
    return failure("bad_answer", f"not the prediction service's JSON: {beginning!r}")


def pause_before_retry(attempt: int, retry_after: str | None) -> float:
    pause = max(FIRST_PAUSE * 2.0**attempt, seconds_asked_for(retry_after))
    # Jitter only adds, so that no retry comes earlier than Retry-After.
    return min(pause, LONGEST_PAUSE) * JITTER.uniform(1, 1.25)


def seconds_asked_for(retry_after: str | None) -> float:
    """Retry-After holds seconds or a date; anything else counts as 0."""
    if retry_after is None:
        return 0
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        return parsedate_to_datetime(retry_after).timestamp() - time.time()
    except (TypeError, ValueError, OverflowError):
        return 0


def shown(path: Path) -> str:
    text = str(path)
    return text if text.startswith((".", "/")) or path.is_absolute() else f"./{text}"


def say(line: str, stream: TextIO) -> None:
    # tqdm.write keeps the progress bar intact. Flushing shows each line at once in a pipe, too.
    tqdm.write(CONTROL_CHARACTERS.sub("?", line), file=stream)
    stream.flush()


def report(path: Path, result: Result, options: argparse.Namespace) -> None:
    if not result.succeeded:
        say(f"{shown(path)}: {result.problem}", sys.stderr)
    if options.json:
        image = {"image": shown(path)}
        say(json.dumps(image | result.body | image), sys.stdout)  # first, and never overwritten by the body
    elif result.succeeded:
        say(f"Checking results for {shown(path)}", sys.stdout)
        say(str(result.body), sys.stdout)


def check_all(options: argparse.Namespace) -> int:
    status = 0
    total = len(options.images)
    disable = None if total > 1 else True  # None: shown on a terminal only
    # No `with` for the pool: on Ctrl-C it would wait for the requests under way.
    pool = ThreadPoolExecutor(options.concurrency)
    with tqdm(total=total, unit=" images", disable=disable) as bar:
        results = pool.map(partial(predict, options=options), options.images)
        for path, result in zip(options.images, results, strict=True):
            report(path, result, options)
            bar.update()
            if not result.succeeded:
                status = 1
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
    add("--json", action="store_true", help="print one line of JSON for each image")
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
        say(f"cannot write the answers: {error.strerror}", sys.stderr)
        status = 1
    os._exit(status)  # a usual exit would wait for the requests under way


if __name__ == "__main__":
    sys.exit(main())
