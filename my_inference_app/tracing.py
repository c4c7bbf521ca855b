"""Sends a trace of each request to an OpenTelemetry collector, where one is configured.

A trace is made when its request has ended, from the times that were noted meanwhile: nothing on the way knows of it.
The packages are in requirements/tracing.txt, and are imported only if OTEL_EXPORTER_OTLP_ENDPOINT is set. They read
their other variables, such as OTEL_SERVICE_NAME and OTEL_TRACES_SAMPLER, from the environment themselves.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .errors import SettingError

CONTEXT = ("traceparent", "tracestate")
"""The headers that say which trace a request is a part of."""
_SERVICE = "my_inference_app"


@dataclass(frozen=True)
class Stage:
    name: str
    begin: float
    """On the clock of time.perf_counter(), as `end`."""
    end: float


class Tracing:
    """One for each process: it sends from a thread of its own, and the rest when the process ends."""

    def __init__(self, endpoint: str) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import OTELResourceDetector, Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError:
            raise SettingError(
                "OTEL_EXPORTER_OTLP_ENDPOINT is set, and the packages that send traces are missing: "
                "install requirements/tracing.txt, or build the image with TRACING=1"
            ) from None
        named = Resource.create({"service.name": _SERVICE}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=named)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(_SERVICE)
        self._context_of = TraceContextTextMapPropagator().extract

    def record(
        self,
        whole: Stage,
        stages: Sequence[Stage],
        context: Mapping[str, str],
        attributes: Mapping[str, str | int],
        failed: bool,
    ) -> str:
        """Sends a request that has ended, as a part of the trace that its context names. Returns the trace's id."""
        from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context

        now = time.time_ns() - time.perf_counter_ns()

        def nanoseconds(moment: float) -> int:
            return now + round(moment * 1e9)

        span = self._tracer.start_span(
            whole.name,
            self._context_of(context),
            SpanKind.SERVER,
            attributes,
            start_time=nanoseconds(whole.begin),
        )
        if failed:
            span.set_status(StatusCode.ERROR)
        within = set_span_in_context(span)
        for stage in stages:
            part = self._tracer.start_span(stage.name, within, start_time=nanoseconds(stage.begin))
            part.end(nanoseconds(stage.end))
        span.end(nanoseconds(whole.end))
        return f"{span.get_span_context().trace_id:032x}"

    def close(self) -> None:
        """Sends what has not been sent yet."""
        self._provider.shutdown()


def start(endpoint: str) -> Tracing | None:
    return Tracing(endpoint) if endpoint else None
