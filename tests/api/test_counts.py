"""Requests and errors are counted, each under its labels, which no client can make up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from flask.testing import FlaskClient

from my_inference_app import metrics
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import ImageUndecodable
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.conftest import FakeClassifier, client_of, form
from tests.exposition import total
from tests.images import plain_image


def count(name: str, **labels: str) -> float:
    return total(metrics.exposition().decode(), name, labels)


@contextmanager
def counted(name: str, times: int, **labels: str) -> Iterator[None]:
    before = count(name, **labels)
    yield
    assert count(name, **labels) == before + times


def test_prediction_is_counted_by_model_version_route_and_status(client: FlaskClient) -> None:
    labels = {"model": "fake", "version": "1", "route": "/predict"}
    with (
        counted("inference_requests_total", 1, **labels, status="200"),
        counted("inference_request_seconds_count", 1, **labels),
    ):
        client.post("/predict", data=b"x")


def test_addresses_of_one_route_are_counted_together() -> None:
    client = client_of(FakeClassifier(name="one/a"), FakeClassifier(name="two/b", version="3"))
    labels = {"route": "/predict/<path:name>", "status": "200"}
    with (
        counted("inference_requests_total", 1, **labels, model="one/a", version="1"),
        counted("inference_requests_total", 2, **labels, model="two/b", version="3"),
    ):
        for address in ("/predict/one/a", "/predict/two/b", "/predict/b?version=3"):
            assert client.post(address, data=b"x").status_code == 200


@pytest.mark.parametrize("address", ["/predict/made-up", "/predict?model=made-up", "/predict/fake?version=made-up"])
def test_unknown_models_are_counted_under_one_label(client: FlaskClient, address: str) -> None:
    labels = {"model": "unknown", "version": "unknown"}
    with (
        counted("inference_requests_total", 1, **labels, status="404"),
        counted("inference_errors_total", 1, **labels, code="model_not_found"),
    ):
        client.post(address, data=b"x")
    assert b"made-up" not in metrics.exposition()


def test_unknown_routes_are_counted_under_one_label(client: FlaskClient) -> None:
    with counted("inference_requests_total", 3, route="unknown", model="none", version="none", status="404"):
        for number in range(3):
            client.get(f"/nothing-{number}")
    assert b"nothing-" not in metrics.exposition()


def test_request_that_needs_no_model_is_counted_with_none(client: FlaskClient) -> None:
    with counted("inference_requests_total", 1, route="/models", model="none", version="none", status="200"):
        client.get("/models")


def test_errors_are_counted_by_code_for_each_image(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.unreadable = {b"bad": ImageUndecodable("no")}
    with counted("inference_errors_total", 2, code="image_undecodable", model="fake", version="1"):
        client.post("/predict", **form(*[("image", "a.jpg", data) for data in (b"bad", b"good", b"bad")]))


def test_errors_on_the_page_are_counted(client: FlaskClient, fake: FakeClassifier) -> None:
    fake.error = ImageUndecodable("no")
    with counted("inference_errors_total", 1, code="image_undecodable", model="fake"):
        client.post("/", headers={"Accept": "text/html"}, **form(("image", "a.jpg", b"bad")))


def of_files() -> bytes:
    return plain_image("blue")


def of_arrays() -> np.ndarray:
    return np.zeros((32, 32, 3), np.uint8)


@pytest.mark.parametrize("image", [of_files, of_arrays])
def test_stages_and_batches_are_counted_by_model(tiny: Bundle, image: Callable[[], object]) -> None:
    app = create_app(Settings(bundle=str(tiny.path)))
    (classifier,) = app.extensions["registry"].classifiers
    labels = {"model": "tiny", "version": "1"}
    with (
        counted("inference_stage_seconds_count", 3, **labels),
        counted("inference_stage_seconds_count", 1, **labels, stage="infer"),
        counted("inference_batch_images_sum", 3, **labels),
        counted("inference_waiting_images", 0, **labels),
    ):
        answer = classifier.classify([image()] * 3, deadline=float("inf"))
    assert answer.batch == 3
