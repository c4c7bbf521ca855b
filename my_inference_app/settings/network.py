"""Addresses and ports to listen on."""

from __future__ import annotations

from dataclasses import dataclass

from .hosts import host
from .parsing import port_number
from .setting import setting


@dataclass(frozen=True)
class Network:
    listen: str = setting("127.0.0.1", "address that nginx listens on; `*` means all IPv4 addresses", host)
    port: int = setting(
        80, "port that nginx listens on (also read from `AIP_HTTP_PORT`)", port_number, alias="AIP_HTTP_PORT"
    )
    app_host: str = setting("127.0.0.1", "address that gunicorn listens on", host)
    app_port: int = setting(8000, "port that gunicorn listens on", port_number)
    management_host: str = setting("127.0.0.1", "address of health checks and metrics", host)
    management_port: int = setting(8001, "port of health checks and metrics", port_number)
