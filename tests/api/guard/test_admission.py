"""How long a request has waited is read from another process's clock, and a late request is refused."""

from __future__ import annotations

import ast
import time

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from my_inference_app import metrics
from my_inference_app.api.guard.admission import seconds_waited
from tests.conftest import FakeClassifier, assert_error, client_of
from tests.exposition import total
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
def test_plausible_age_is_believed(age: float, believed: float) -> None:
    sent = f"{NOW - age:.3f}"
    assert seconds_waited(request_of(HTTP_X_REQUEST_START=sent), PATIENCE) == pytest.approx(believed)


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
def test_implausible_age_counts_as_zero(name: str) -> None:
    assert seconds_waited(request_of(HTTP_X_REQUEST_START=JUMPS[name]), PATIENCE) == 0


@pytest.mark.parametrize("sent", [str(time.time() + 86_400), str(time.time() - 86_400), "nan", "x", "-inf"])
def test_clock_that_was_set_changes_no_deadline(fake: FakeClassifier, sent: str) -> None:
    earliest = time.monotonic() + PATIENCE
    response = client_of(fake).post("/predict", data=b"x", headers={"X-Request-Start": sent})
    assert response.status_code == 200
    assert earliest <= fake.deadline <= time.monotonic() + PATIENCE


def test_request_that_waited_has_an_earlier_deadline(fake: FakeClassifier) -> None:
    latest = time.monotonic() + PATIENCE - 20
    client_of(fake).post("/predict", data=b"x", headers={"X-Request-Start": str(time.time() - 20)})
    assert fake.deadline <= latest + 1


def test_no_other_module_reads_the_wall_clock() -> None:
    readers = set()
    for file in (REPOSITORY / "my_inference_app").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "time.time",
                "datetime.now",
                "datetime.utcnow",
            ):
                readers.add(file.relative_to(REPOSITORY / "my_inference_app").as_posix())
    assert readers == {"api/guard/admission.py", "export/destination.py", "export/pipeline.py", "review.py"}, (
        "they note when something was made"
    )


def test_request_that_waited_too_long_gets_504_and_is_not_classified(fake: FakeClassifier) -> None:
    response = client_of(fake).post("/predict", data=b"x", headers={"X-Request-Start": str(time.time() - 31)})
    assert_error(response, 504, "timeout")
    assert fake.images == []


def test_waiting_is_counted(fake: FakeClassifier) -> None:
    before = wait_seconds()
    client_of(fake).post("/predict", data=b"x", headers={"X-Request-Start": str(time.time() - 20)})
    client_of(fake).post("/predict", data=b"x")
    assert 20 <= wait_seconds() - before < 25


def wait_seconds() -> float:
    return total(metrics.exposition().decode(), "inference_wait_seconds_sum", {})
