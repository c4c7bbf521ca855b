"""HTTPS: the certificate that nginx shows, and the port it shows it on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .parsing import Whole, file_path, port_number
from .setting import setting

_TWO_YEARS = 63_072_000


@dataclass(frozen=True)
class Tls:
    tls_cert: Path | None = setting(
        None, "PEM file with the certificate and its chain; nginx then speaks HTTPS and redirects HTTP to it", file_path
    )
    tls_key: Path | None = setting(None, "PEM file with the private key of `TLS_CERT`, without a password", file_path)
    tls_port: int = setting(443, "port that nginx listens on for HTTPS", port_number)
    tls_public_port: int = setting(
        0,
        "port in redirects to HTTPS, if clients reach `TLS_PORT` under another one; 0 means `TLS_PORT`",
        Whole(0, 65535),
    )
    tls_hsts: int = setting(
        0,
        "seconds for which browsers use HTTPS only after a visit (HSTS), like 31536000; 0 sends no such header",
        Whole(0, _TWO_YEARS),
    )
