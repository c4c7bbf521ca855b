"""Sends an image to the service, and sends it again while the service is busy."""

import argparse
import random
import stat
import threading
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import IncompleteRead
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import requests

from output import say_on_a_terminal, shown

RETRY_STATUSES = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
MAX_FILE_BYTES = 1 << 30  # the service's own limit is never higher
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
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
        note = f"retry {attempt} of {options.retries} in {pause:.1f} s"
        say_on_a_terminal(f"{shown(path)}: {result.problem}; {note}")
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


def address(options: argparse.Namespace) -> str:
    """The URL with the options in its query. An option replaces what the URL says, except for `explain`."""
    url = urlsplit(str(options.url))
    given = parse_qsl(url.query, keep_blank_values=True)
    added = {"model": options.model, "top_k": options.top_k}
    if "explain" not in dict(given):  # the URL may name classes or a method
        added["explain"] = 1 if options.explain else None
    added = {name: value for name, value in added.items() if value is not None}
    query = [(name, value) for name, value in given if name not in added] + list(added.items())
    return urlunsplit((url.scheme, url.netloc, url.path, urlencode(query), ""))


def post(name: str, image: bytes, options: argparse.Namespace) -> Result:
    # A name that is not valid Unicode cannot be sent; its image still can.
    name = name.encode("utf-8", "replace").decode()
    try:
        response = PER_THREAD.session.post(
            address(options),
            files={"image": (name, image)},
            # Not as `Authorization`: requests would replace that by an entry in ~/.netrc.
            headers={"X-API-Key": options.api_key} if options.api_key else None,
            timeout=options.timeout,
            allow_redirects=False,  # following one would turn the POST into a GET
        )
    except requests.RequestException as error:
        return lost(error, options)
    status = response.status_code
    retry_after = response.headers.get("Retry-After")
    # 502 with Retry-After comes from a service that is starting; any other gateway's 502 may last.
    retry = status in RETRY_STATUSES or (status == HTTPStatus.BAD_GATEWAY and retry_after is not None)
    return Result(understand(response), status, retry, retry_after)


def lost(error: BaseException, options: argparse.Namespace) -> Result:
    """No response came. The operating system's message is the clearest; requests wraps it several times."""
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
