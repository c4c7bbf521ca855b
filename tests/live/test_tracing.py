"""Traces of the real service: through nginx, from forked workers, and sent before they end."""

from __future__ import annotations

import requests

from tests.collector import collecting, values
from tests.images import plain_image
from tests.live.service import Start

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
NEVER = 600_000  # milliseconds: spans are sent when a worker ends, or not at all


def test_traces_are_sent_before_workers_end(start: Start) -> None:
    with collecting() as collector:
        service = start(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY=NEVER, WORKERS=2)
        service.wait_for_workers(2)
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        answers = [
            requests.post(f"{service.url}/predict", data=plain_image(), headers=headers, timeout=60) for _ in range(6)
        ]
        assert collector.spans == []
        assert service.stop() == 0
        assert len(collector.requests) == 6
        ids = {answer.json()["request_id"] for answer in answers}
        assert {values(span.attributes)["inference.request_id"] for span in collector.requests} == ids
        for span in collector.requests:
            assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
            assert [part.name for part in collector.parts_of(span)] == ["wait", "decode", "queue", "infer"]
            assert values(span.attributes)["inference.batch"] == 1
        lines = [line for request_id in ids for line in service.lines_of(request_id) if line["logger"] == "access"]
        assert [line["trace"] for line in lines] == [TRACE] * 6


def test_collector_that_is_down_delays_neither_answers_nor_the_end(start: Start) -> None:
    service = start(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", GRACE_TIMEOUT=5)
    assert requests.post(f"{service.url}/predict", data=plain_image(), timeout=60).status_code == 200
    assert service.stop() == 0
    assert "Traceback" not in service.log
