"""A slow request occupies a connection to nginx, not a thread of the app."""

from __future__ import annotations

import requests

from tests.live import raw
from tests.live.service import REPOSITORY, Start

CAT = (REPOSITORY / "post_request" / "cat.jpg").read_bytes()
HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
WITH_LENGTH = HEAD + b"Content-Length: %d\r\n\r\n" % len(CAT)
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(CAT)
HALVES = {
    "a letter": (b"P", WITH_LENGTH[1:] + CAT),
    "half a head": (HEAD[:40], WITH_LENGTH[40:] + CAT),
    "half a body": (WITH_LENGTH + CAT[:5000], CAT[5000:]),
    "half a chunk": (CHUNKED + CAT[:5000], CAT[5000:] + b"\r\n0\r\n\r\n"),
}


def test_hundreds_of_half_sent_requests_do_not_delay_a_whole_one(start: Start) -> None:
    service = start(WORKERS=1, THREADS=2)
    connections = {name: [raw.connect(service.url) for _ in range(75)] for name in HALVES}
    try:
        for name, (half, _) in HALVES.items():
            for connection in connections[name]:
                connection.sendall(half)
        for _ in range(3):
            assert requests.post(f"{service.url}/predict", data=CAT, timeout=30).status_code == 200
        for name, (_, rest) in HALVES.items():
            connections[name][0].sendall(rest)
            (answer,) = raw.answers(raw.read(connections[name][0]))
            assert answer.status == 200 and b'"success":true' in answer.body, name
    finally:
        for connection in (each for several in connections.values() for each in several):
            connection.close()
