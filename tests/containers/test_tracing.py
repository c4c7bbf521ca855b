"""An image that was built with TRACING=1 sends traces. It shares most layers with the usual one."""

from __future__ import annotations

import requests

from tests.collector import collecting
from tests.containers import compose
from tests.containers.conftest import Containers, options_of
from tests.images import SAMPLES
from tests.live.service import until


def test_image_with_tracing_sends_its_traces(containers: Containers) -> None:
    containers.buildah.build("build", "serving", MODEL="efficientnet-lite0", TRACING="1")
    with collecting(containers.network.host) as collector:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        options = options_of(compose.load(variables=variables), "my_inference_app", variables)
        app = containers.run("serving", options)
        app.wait_until_healthy()
        answer = requests.post(f"http://{app.address}:8000/predict", data=SAMPLES[0].read_bytes(), timeout=60)
        assert answer.status_code == 200
        until(lambda: collector.requests)
    (request,) = collector.requests
    assert {span.name for span in collector.parts_of(request)} >= {"decode", "infer"}


def test_usual_image_says_what_is_missing_for_traces(containers: Containers) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    app = containers.service("my_inference_app", **variables)
    assert app.process.wait(60) != 0
    assert "TRACING=1" in app.log and "Traceback" not in app.log
