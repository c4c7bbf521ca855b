"""Values that contradict each other are refused with one line that names both."""

# ruff: noqa: S104

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from my_inference_app.errors import SettingError
from my_inference_app.settings import Settings

TLS = {"tls_cert": Path("cert.pem"), "tls_key": Path("key.pem")}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"hang_timeout": 30.0},
            "HANG_TIMEOUT=30 is not above REQUEST_TIMEOUT=30, so healthy workers would be replaced: "
            "set HANG_TIMEOUT=60",
        ),
        (
            {"request_timeout": 120.0},
            "HANG_TIMEOUT=60 is not above REQUEST_TIMEOUT=120, so healthy workers would be replaced: "
            "set HANG_TIMEOUT=240",
        ),
        (
            {"device": ("cpu", "cuda:1")},
            "DEVICE=cpu,cuda:1 is for ENGINE=torch: ENGINE=openvino computes on the CPU only",
        ),
        (
            {"precision": "f16"},
            "PRECISION=f16 is for ENGINE=torch: ENGINE=openvino computes in f32, bf16 or int8",
        ),
        (
            {"precision": "int8", "engine": "torch"},
            "PRECISION=int8 is for ENGINE=openvino: ENGINE=torch computes in f32, bf16 or f16",
        ),
        (
            {"tls_cert": Path("cert.pem")},
            "TLS_CERT is set and TLS_KEY is not: set TLS_KEY to the file with the private key",
        ),
        (
            {"tls_key": Path("key.pem")},
            "TLS_KEY is set and TLS_CERT is not: set TLS_CERT to the file with the certificate",
        ),
        ({**TLS, "port": 443}, "PORT=443 and TLS_PORT=443 collide: give each a port of its own"),
        ({**TLS, "tls_port": 8000}, "APP_PORT=8000 and TLS_PORT=8000 collide: give each a port of its own"),
        ({"port": 8000}, "PORT=8000 and APP_PORT=8000 collide: give each a port of its own"),
        ({"port": 8001}, "PORT=8001 and MANAGEMENT_PORT=8001 collide: give each a port of its own"),
        ({"app_port": 8001}, "APP_PORT=8001 and MANAGEMENT_PORT=8001 collide: give each a port of its own"),
        (
            {"port": 8000, "listen": "0.0.0.0"},
            "PORT=8000 and APP_PORT=8000 collide: give each a port of its own",
        ),
        (
            {"app_port": 8001, "app_host": "::", "management_host": "127.0.0.2"},
            "APP_PORT=8001 and MANAGEMENT_PORT=8001 collide: give each a port of its own",
        ),
    ],
)
def test_contradiction_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings(**settings)
    assert str(caught.value) == message


def test_port_of_nginx_must_differ_even_without_nginx() -> None:
    """`make serve` starts no nginx, but one rule for both commands is easier to know than two."""
    with pytest.raises(SettingError, match="PORT=80 and APP_PORT=80 collide"):
        Settings.from_env({"APP_PORT": "80"})


@pytest.mark.parametrize(
    "settings",
    [
        {"request_timeout": 120.0, "hang_timeout": 120.5},
        {"engine": "torch", "device": ("cuda:0", "cuda:1"), "precision": "f16"},
        {"device": ("cpu", "cpu"), "precision": "int8"},
        {"port": 8000, "listen": "127.0.0.2"},
        {"port": 8000, "listen": "::1"},
        {"port": 443},
        TLS,
        {"port": 8000, "listen": "0.0.0.0", "app_host": "::1"},
    ],
    ids=str,
)
def test_values_without_contradiction_are_accepted(settings: dict[str, Any]) -> None:
    assert Settings(**settings)
