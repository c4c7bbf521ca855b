"""Requests health checks from one server until stdin is closed, then prints the time of each response as JSON.

Runs in a process of its own, so that the load generator does not slow it down. Prints a line when it has begun.
"""

from __future__ import annotations

import json
import select
import sys
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from urllib.parse import urlsplit

PATHS = ("/healthz", "/readyz")
_PAUSE = 0.05
_TIMEOUT = 30


def main() -> None:
    server = urlsplit(sys.argv[1]).netloc
    waits: list[float] = []
    failed = 0
    for path in cycle(PATHS):
        began = time.perf_counter()
        failed += not _answers(server, path)
        waits.append((time.perf_counter() - began) * 1000)
        if len(waits) == 1:
            print("probing", flush=True)
        if select.select([sys.stdin], [], [], _PAUSE)[0]:
            break
    print(json.dumps({"waits_ms": waits, "failed": failed}))


def _answers(server: str, path: str) -> bool:
    """Each time over a new connection, as orchestrators do."""
    try:
        with closing(HTTPConnection(server, timeout=_TIMEOUT)) as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            return response.status == 200
    except (OSError, HTTPException):
        return False


if __name__ == "__main__":
    main()
