"""Traces, as a collector gets them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import SettingError
from my_inference_app.settings import Settings
from tests.collector import Collector, collecting, values
from tests.conftest import FakeClassifier, client_of
from tests.images import REPOSITORY, plain_image

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
WITHOUT_PACKAGES = """
import sys
sys.modules["opentelemetry.sdk"] = None
from my_inference_app import wsgi
"""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def sent(client: FlaskClient, collector: Collector, **headers: str) -> Span:
    """The span of one request."""
    client.post("/predict?top_k=1", data=plain_image(), headers=headers)
    client.application.extensions["tracing"].close()
    (span,) = collector.requests
    return span


@pytest.fixture
def traced(collector: Collector, fake: FakeClassifier) -> FlaskClient:
    return client_of(fake, otel_exporter_otlp_endpoint=collector.url)


def test_request_and_its_stages_are_spans(traced: FlaskClient, collector: Collector) -> None:
    span = sent(traced, collector, **{"X-Request-ID": "mine"})
    assert span.name == "POST /predict"
    assert values(span.attributes) == {
        "http.request.method": "POST",
        "http.route": "/predict",
        "http.response.status_code": 200,
        "inference.request_id": "mine",
        "inference.model": "fake",
        "inference.version": "1",
        "inference.images": 1,
        "inference.batch": 0,
    }
    parts = collector.parts_of(span)
    assert [part.name for part in parts] == ["decode", "queue", "infer"]
    durations = [(part.end_time_unix_nano - part.start_time_unix_nano) / 1e6 for part in parts]
    assert durations == pytest.approx([1.5, 0, 20.123], abs=0.01)
    assert {part.trace_id for part in parts} == {span.trace_id}
    assert (collector.paths, collector.services) == ({"/v1/traces"}, {"my_inference_app"})


def test_trace_continues_that_of_the_client(traced: FlaskClient, collector: Collector) -> None:
    span = sent(traced, collector, traceparent=f"00-{TRACE}-{PARENT}-01", tracestate="vendor=1")
    assert (span.trace_id.hex(), span.parent_span_id.hex(), span.trace_state) == (TRACE, PARENT, "vendor=1")


@pytest.mark.parametrize("header", ["", "x", f"00-{TRACE}-{PARENT}", f"00-{'0' * 32}-{PARENT}-01", "00-" + "a" * 5000])
def test_malformed_trace_context_begins_a_new_trace(traced: FlaskClient, collector: Collector, header: str) -> None:
    span = sent(traced, collector, traceparent=header)
    assert span.parent_span_id == b"" and any(span.trace_id) and span.trace_id.hex() != TRACE


def test_trace_that_the_client_does_not_sample_is_not_sent(traced: FlaskClient, collector: Collector) -> None:
    traced.post("/predict", data=plain_image(), headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    traced.application.extensions["tracing"].close()
    assert collector.spans == []


def test_error_of_the_service_is_marked(traced: FlaskClient, fake: FakeClassifier, collector: Collector) -> None:
    fake.error = RuntimeError("SECRET")
    span = sent(traced, collector)
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert values(span.attributes)["error.type"] == "internal_error"
    assert collector.parts_of(span) == []


def test_span_has_nothing_of_queries_and_keys(fake: FakeClassifier, collector: Collector) -> None:
    client = client_of(fake, api_keys=(b"SECRET",), otel_exporter_otlp_endpoint=collector.url)
    for path in ("/predict?url=SECRET", "/SECRET", "/predict/SECRET"):
        client.open(path, method="SECRET", headers={"X-API-Key": "SECRET", "tracestate": "no parent"})
        client.post(path, headers={"X-API-Key": "SECRET"})
    client.application.extensions["tracing"].close()
    assert len(collector.requests) == 6
    assert not any(b"SECRET" in span.SerializeToString() for span in collector.spans)


def test_missing_packages_are_named_in_one_line(tiny: Bundle) -> None:
    variables = {"BUNDLE": str(tiny.path), "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PACKAGES],
        env={**os.environ, **variables},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: OTEL_EXPORTER_OTLP_ENDPOINT is set, and the packages that send traces are missing")
    assert "requirements/tracing.txt" in line
    assert done.returncode != 0


@pytest.mark.parametrize("url", ["localhost:4318", "grpc://x", "http://me:SECRET@x", "http://x y", "http://"])
def test_endpoint_that_is_not_a_url_is_refused(url: str) -> None:
    with pytest.raises(SettingError, match=r"^OTEL_EXPORTER_OTLP_ENDPOINT=.* cannot be used"):
        Settings.from_env({"OTEL_EXPORTER_OTLP_ENDPOINT": url})
