"""Requests and errors are counted, each under its labels."""

from __future__ import annotations

from flask.testing import FlaskClient

from my_inference_app import metrics
from my_inference_app.errors import ImageUndecodable
from tests.conftest import FakeClassifier, form
from tests.exposition import total


def count(name: str, **labels: str) -> float:
    return total(metrics.exposition().decode(), name, labels)


def test_requests_are_counted_by_path_and_status(client: FlaskClient) -> None:
    answered = {"path": "/predict", "status": "200"}
    unknown = {"path": "unknown", "status": "404"}
    before = [count("inference_requests_total", **labels) for labels in (answered, unknown)]
    client.post("/predict", data=b"x")
    for number in range(2):
        client.get(f"/nothing-{number}")
    after = [count("inference_requests_total", **labels) for labels in (answered, unknown)]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 2]


def test_durations_are_counted(client: FlaskClient) -> None:
    before = count("inference_request_seconds_count")
    client.get("/nothing")
    client.post("/predict", data=b"x")
    assert count("inference_request_seconds_count") == before + 2


def test_errors_are_counted_by_code_for_each_image(client: FlaskClient, fake: FakeClassifier) -> None:
    before = count("inference_errors_total", code="image_undecodable")
    fake.unreadable = {b"bad": ImageUndecodable("no")}
    client.post("/predict", **form(*[("image", "a.jpg", data) for data in (b"bad", b"good", b"bad")]))
    assert count("inference_errors_total", code="image_undecodable") == before + 2


def test_errors_on_the_page_are_counted(client: FlaskClient, fake: FakeClassifier) -> None:
    before = count("inference_errors_total", code="image_undecodable")
    fake.error = ImageUndecodable("no")
    client.post("/", headers={"Accept": "text/html"}, **form(("image", "a.jpg", b"bad")))
    assert count("inference_errors_total", code="image_undecodable") == before + 1
