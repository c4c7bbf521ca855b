"""The one time that comes from another process's clock, and whether anybody still waits for the answer."""

from __future__ import annotations

import ast
import socket
import struct
import time
from collections.abc import Iterator

import pytest
from flask import Request
from my_inference_app.api.guard.arrival import abandoned, seconds_on_the_way
from werkzeug.test import EnvironBuilder

from tests.conftest import FakeClassifier, client_of
from tests.images import REPOSITORY

PATIENCE = 30.0
NOW = 1_800_000_000.0


def request_of(**environ: object) -> Request:
    return Request({**EnvironBuilder().get_environ(), **environ})


@pytest.fixture
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)


@pytest.mark.usefixtures("_now")
@pytest.mark.parametrize(("age", "believed"), [(0, 0), (0.25, 0.25), (29.5, 29.5), (40, 40)])
def test_an_age_that_can_be_is_believed(age: float, believed: float) -> None:
    sent = f"{NOW - age:.3f}"
    assert seconds_on_the_way(request_of(HTTP_X_REQUEST_START=sent), PATIENCE) == pytest.approx(believed)


JUMPS = {
    "an hour ago": str(NOW - 3600),
    "just older than nginx waits": str(NOW - 40.1),
    "from the future": str(NOW + 0.5),
    "from far in the future": str(NOW + 1e9),
    "of 1970": "0",
    "before that": "-1800000000",
    "none": "",
    "no number": "nan",
    "endless": "inf",
    "endlessly ago": "-inf",
    "too large for a number": "9" * 400,
    "words": "yesterday",
    "another unit": str(int(NOW * 1000)),
    "t=": f"t={NOW}",
}


@pytest.mark.usefixtures("_now")
@pytest.mark.parametrize("name", JUMPS)
def test_any_other_says_nothing(name: str) -> None:
    assert seconds_on_the_way(request_of(HTTP_X_REQUEST_START=JUMPS[name]), PATIENCE) == 0


@pytest.mark.parametrize("sent", [str(time.time() + 86_400), str(time.time() - 86_400), "nan", "x", "-inf"])
def test_a_clock_that_was_set_refuses_nobody_and_lets_nobody_wait_for_ever(fake: FakeClassifier, sent: str) -> None:
    earliest = time.monotonic() + PATIENCE
    response = client_of(fake).post("/predict", data=b"x", headers={"X-Request-Start": sent})
    assert response.status_code == 200
    assert earliest <= fake.deadline <= time.monotonic() + PATIENCE


def test_a_request_that_waited_has_less_time_left(fake: FakeClassifier) -> None:
    latest = time.monotonic() + PATIENCE - 20
    client_of(fake).post("/predict", data=b"x", headers={"X-Request-Start": str(time.time() - 20)})
    assert fake.deadline <= latest + 1


def test_nothing_else_reads_the_clock_on_the_wall() -> None:
    readers = set()
    for file in (REPOSITORY / "my_inference_app").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "time.time",
                "datetime.now",
                "datetime.utcnow",
            ):
                readers.add(file.relative_to(REPOSITORY / "my_inference_app").as_posix())
    assert readers == {"api/guard/arrival.py", "export/pipeline.py"}, "the latter notes when a bundle was made"


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
    with client, accepted:
        yield client, accepted


def test_a_client_that_waits(ends: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = ends
    is_gone = abandoned(request_of(**{"gunicorn.socket": accepted}))
    assert not is_gone()
    client.sendall(b"the next request")
    assert not is_gone()
    assert accepted.recv(100) == b"the next request", "nothing of it is taken away"


def test_a_client_that_hung_up(ends: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = ends
    is_gone = abandoned(request_of(**{"gunicorn.socket": accepted}))
    client.close()
    assert is_gone() and is_gone()


def test_a_client_that_was_cut_off(ends: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = ends
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    assert abandoned(request_of(**{"gunicorn.socket": accepted}))()


def test_a_client_that_will_send_no_more_counts_as_gone(ends: tuple[socket.socket, socket.socket]) -> None:
    """It cannot be told from one that hung up. nginx never does this."""
    client, accepted = ends
    client.shutdown(socket.SHUT_WR)
    assert abandoned(request_of(**{"gunicorn.socket": accepted}))()


def test_a_connection_closed_on_this_side_is_no_failure(ends: tuple[socket.socket, socket.socket]) -> None:
    _, accepted = ends
    accepted.close()
    assert abandoned(request_of(**{"gunicorn.socket": accepted}))()


def test_without_gunicorn_everybody_waits() -> None:
    assert not abandoned(request_of())()
