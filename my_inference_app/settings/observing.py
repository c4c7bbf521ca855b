"""Logs and traces."""

from __future__ import annotations

from dataclasses import dataclass

from .parsing import OneOf, base_url
from .setting import setting


@dataclass(frozen=True)
class Observing:
    log_level: str = setting(
        "info", "`debug`, `info`, `warning` or `error`", OneOf(("debug", "info", "warning", "error"))
    )
    log_format: str = setting(
        "auto",
        "`json`, one object a line, or `plain` text; `auto` means plain on a terminal and JSON everywhere else",
        OneOf(("auto", "json", "plain")),
    )
    otel_exporter_otlp_endpoint: str = setting(
        "",
        "URL of an OpenTelemetry collector (OTLP over HTTP), like `http://localhost:4318`; empty means no traces",
        base_url,
    )
