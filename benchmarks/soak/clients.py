"""Well-behaved clients, which send one request after the other over one connection."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse

from . import cases
from .cases import Case
from .counts import Counts
from .judge import Reply, Verdict, judge

TIMEOUT = 150
BROKEN = (OSError, HTTPException)


@dataclass(frozen=True)
class Target:
    """The service, the requests for it, and the counts of the outcomes."""

    port: int
    counts: Counts
    stop: threading.Event
    good: Sequence[Case] = field(default_factory=cases.good)
    every: Sequence[Case] = field(default_factory=cases.every)

    def judge(self, name: str, case: Case, request_id: str, response: HTTPResponse) -> int:
        """Counts a response, and returns its Retry-After in seconds."""
        with response:
            headers = {key.lower(): value for key, value in response.getheaders()}
            reply = Reply(response.status, headers, response.read())
        verdict = judge(case, request_id, reply)
        self.counts.add(name, verdict, request_id)
        return int(headers["retry-after"]) if verdict.outcome == "refused" else 0

    def lost(self, name: str, error: Exception, request_id: str = "") -> None:
        self.counts.add(name, Verdict("lost", f"no answer, or half of one: {error!r}"), request_id)


def each_once(target: Target) -> None:
    """Sends every good request once, before anything disturbs the service."""
    with closing(HTTPConnection("127.0.0.1", target.port, timeout=TIMEOUT)) as connection:
        for case in target.good:
            _ask(target, connection, case)


def steadily(target: Target, chance: random.Random) -> None:
    """Sends all cases in random order, good and bad."""
    with closing(HTTPConnection("127.0.0.1", target.port, timeout=TIMEOUT)) as connection:
        for case in cases.shuffled(target.every, chance):
            if target.stop.is_set():
                return
            target.stop.wait(_ask(target, connection, case))


def _ask(target: Target, connection: HTTPConnection, case: Case) -> int:
    request_id = uuid.uuid4().hex
    headers = {"Content-Type": case.kind, "X-Request-ID": request_id}
    target.counts.begin(request_id)
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # refused before its end: there may be a response
            connection.request(case.method, case.path, case.chunks() if case.chunked else case.body or None, headers)
        return target.judge(case.name, case, request_id, connection.getresponse())
    except BROKEN as error:
        connection.close()  # the next request opens another
        target.lost(case.name, error, request_id)
        return 1
