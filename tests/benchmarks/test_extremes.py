"""The extreme loads count every response for what it is, and measure a real service."""

from __future__ import annotations

import socket

from benchmarks.crowd import at_once
from benchmarks.extremes import Extent, measure
from benchmarks.rows import Started
from benchmarks.traffic import health_checks, slow_uploads
from tests.benchmarks.scripted import response, scripted_server
from tests.live.service import REPOSITORY, until

CAT = REPOSITORY / "post_request" / "cat.jpg"


def test_small_extremes_measure_a_service(started: Started) -> None:
    extent = Extent(seconds=1, requests=0, uploads=3, connections=40, crowd=100)
    found = measure(started, CAT, extent).values
    assert found["3 slow uploads: answered, failed themselves"] == [3, 0]
    assert found["40 connections: health checks through nginx: median ms, slowest ms, failed"][2] == 0
    assert found["40 connections: health checks directly: median ms, slowest ms, failed"][2] == 0
    answered, refused, too_late, failed = found["100 at once: answered, refused, too late, failed"]
    assert answered > 0 and refused > 0, "the queue of this service holds 32 requests"
    assert (answered + refused, too_late, failed) == (100, 0, 0)
    first, private_of_first, second, private_of_second = found["40 connections: MB of each worker: resident, private"]
    assert first > private_of_first > 0 and second > private_of_second > 0


def test_crowd_counts_each_status_and_broken_responses() -> None:
    half = response(200)[:-1]
    with scripted_server([response(200), response(503), response(504), half, b"", response(503)]) as url:
        crowd = at_once(url, b"image", 6)
    assert crowd.statuses == {200: 1, 503: 2, 504: 1, 0: 2}
    assert crowd.last[503] > 0


def test_crowd_without_responses_is_counted_when_patience_is_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/predict"
        assert at_once(url, b"image", 3, patience=0.05).statuses == {0: 3}
    assert at_once(url, b"image", 3).statuses == {0: 3}, "nobody listens"


def test_health_checks_are_timed_and_their_failures_counted() -> None:
    answers = [response(200), response(503), b""]
    with scripted_server(answers) as url, health_checks(url) as checks:
        until(lambda: not answers)
    assert checks.failed >= 2
    assert len(checks.waits_ms) >= 3


def test_slow_upload_counts_as_failed_unless_answered_with_200() -> None:
    with scripted_server([response(503), b"", response(200)]) as url, slow_uploads(url, b"image", 3) as uploads:
        pass
    assert (uploads.answered, uploads.failed) == (1, 2)
