"""What is noted about a request while it is answered, and then becomes metrics and a line in the log."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote

from flask import Response, g, request

from .. import metrics
from ..inference.answers import Answer
from ..inference.classifier import Classifier
from ..logs import Line
from ..tracing import CONTEXT, Stage
from . import context

_access = logging.getLogger("access")
_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"}
_PLAIN_IN_PATHS = "/~!$&'()*+,;=:@"


@dataclass
class Observation:
    """Nothing in here comes from the client as it is, except for what is checked or counted."""

    started: float
    """On the clock of time.perf_counter(), as `classified`."""
    waited: float = 0.0
    """Seconds from the arrival at nginx to a thread of the app."""
    model: str = metrics.NONE
    version: str = metrics.NONE
    code: str = ""
    """That of the error, if the request failed."""
    images: int = 0
    classified: float = 0.0
    """When the classifier was asked."""
    answer: Answer | None = None

    def chose(self, classifier: Classifier) -> None:
        self.model, self.version = classifier.name, classifier.version

    def found_no_model(self) -> None:
        self.model = self.version = metrics.UNKNOWN


def begin() -> None:
    g.observation = Observation(time.perf_counter())


def observation() -> Observation:
    """That of the current request."""
    found: Observation = g.observation
    return found


def finish(response: Response) -> None:
    seen = observation()
    ended = time.perf_counter()
    seconds = ended - seen.started
    metrics.requests.labels(seen.model, seen.version, route(), response.status_code).inc()
    metrics.request_seconds.labels(seen.model, seen.version, route()).observe(seconds)
    line = _line(seen, response, seconds)
    if tracing := context.tracing():
        whole = Stage(f"{_method()} {route()}", seen.started - seen.waited, ended)
        carried = {name: request.headers[name] for name in CONTEXT if name in request.headers}
        line["trace"] = tracing.record(
            whole, _stages(seen), carried, _attributes(seen, response), failed=response.status_code >= 500
        )
    _access.info(Line(line))


def route() -> str:
    """The rule of the address, not the address itself: there are only so many."""
    return request.url_rule.rule if request.url_rule else metrics.UNKNOWN


def _stages(seen: Observation) -> list[Stage]:
    """One after the other: a request is decoded, waits for an engine, and is computed."""
    stages = [Stage("wait", seen.started - seen.waited, seen.started)] if seen.waited else []
    begin = seen.classified
    for name, milliseconds in vars(seen.answer.timings).items() if seen.answer else ():
        stages.append(Stage(name, begin, begin + milliseconds / 1000))
        begin = stages[-1].end
    return stages


def _attributes(seen: Observation, response: Response) -> dict[str, str | int]:
    """Named as OpenTelemetry names them, where it has a name."""
    attributes: dict[str, str | int] = {
        "http.request.method": _method(),
        "http.route": route(),
        "http.response.status_code": response.status_code,
        "inference.request_id": g.request_id,
        "inference.model": seen.model,
        "inference.version": seen.version,
        "inference.images": seen.images,
    }
    if seen.answer:
        attributes["inference.batch"] = seen.answer.batch
    if seen.code:
        attributes["error.type"] = seen.code
    return attributes


def _method() -> str:
    return request.method if request.method in _METHODS else "_OTHER"


def _line(seen: Observation, response: Response, seconds: float) -> dict[str, Any]:
    path = quote(request.path, safe=_PLAIN_IN_PATHS)
    line: dict[str, Any] = {
        "message": f"{request.method} {path} {response.status_code}",
        "id": g.request_id,
        "method": request.method,
        "path": path,
        "route": route(),
        "status": response.status_code,
        "model": seen.model,
        "version": seen.version,
        "ms": _milliseconds(seconds),
        "wait_ms": _milliseconds(seen.waited),
        "bytes_in": request.content_length or 0,
        "bytes_out": response.calculate_content_length() or 0,
        "client": _client(),
    }
    if seen.code:
        line["code"] = seen.code
    if seen.images:
        line["images"] = seen.images
    if seen.answer:
        line["batch"] = seen.answer.batch
        line |= {f"{stage}_ms": round(value, 2) for stage, value in vars(seen.answer.timings).items()}
    return line


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)


def _client() -> str:
    """The address that nginx has appended to those that the client claims."""
    last = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        return str(ip_address(last.partition("%")[0]))
    except ValueError:
        return request.remote_addr or ""
