"""Every setting once: its name, type, default and one line of help.

A setting is read from the environment variable of the same name in capitals.
`python -m my_inference_app.settings` prints them as the table that stands in README.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from ..errors import SettingError
from ..resources import cores

PROJECT = Path(__file__).resolve().parents[2]
_YES = ("1", "true", "yes")
_NO = ("0", "false", "no")
_ORIGIN = r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?"


def _setting(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    pattern: str = "",
    alias: str = "",
    networks: bool = False,
) -> Any:
    details = {
        "help": help,
        "low": low,
        "high": high,
        "choices": choices,
        "pattern": pattern,
        "networks": networks,
        "alias": alias,
    }
    return field(default=default, metadata=details)


@dataclass(frozen=True)
class Settings:
    model: str = _setting(
        "microsoft/resnet-50",
        "what to serve: a hub id, a folder in hub format, `efficientnet-lite0` or `torchvision:NAME`",
    )
    model_revision: str = _setting("", "branch, tag or commit of a hub model; empty means its main")
    models_dir: Path = _setting(PROJECT / "models", "folder the bundles are kept in")
    bundle: str = _setting("", "folder of the bundle to serve; empty means the one of `MODEL`")
    engine: str = _setting("openvino", "what computes: `openvino` or `torch`", choices=("openvino", "torch"))
    precision: str = _setting(
        "auto",
        "what the engine computes in: `f32`, `bf16`, `f16` (CUDA), `int8` (a bundle of its own), or `auto`, "
        "the fastest float the processor has",
        choices=("auto", "f32", "bf16", "f16", "int8"),
    )
    calibration: str = _setting("", "folder of pictures that `PRECISION=int8` bundles are made with")
    device: str = _setting(
        "cpu", "where the torch engine computes: `cpu`, `cuda`, `cuda:1`; several, with commas, are replicas"
    )
    app_host: str = _setting("127.0.0.1", "address gunicorn listens on")
    app_port: int = _setting(8000, "port gunicorn listens on", low=1, high=65535)
    listen: str = _setting("*", "address nginx listens on; `*` is all of them")
    port: int = _setting(80, "port nginx listens on", low=1, high=65535)
    workers: int = _setting(
        0,
        "gunicorn worker processes, each with the model; 0 means one for every two cores, four at most "
        "(`WEB_CONCURRENCY` is understood too)",
        low=0,
        high=256,
        alias="WEB_CONCURRENCY",
    )
    threads: int = _setting(32, "requests a worker takes on at once", low=1, high=1024)
    compute_threads: int = _setting(0, "threads a worker computes with; 0 means cores / workers", low=0, high=1024)
    max_batch: int = _setting(0, "pictures computed together at most; 0 means 8 on a CPU, 64 on CUDA", low=0, high=1024)
    batch_delay_ms: float = _setting(
        0.0, "milliseconds a batch waits to become full; worth it on a GPU at most", low=0, high=1000
    )
    queue_size: int = _setting(
        1024, "requests that may wait in a worker; more are refused at once", low=1, high=100_000
    )
    request_timeout: float = _setting(
        30.0, "seconds a request may wait and compute before it is given up", low=0.1, high=3600
    )
    hang_timeout: float = _setting(
        60.0, "seconds after which a request counts as hanging, and its worker is replaced", low=0.5, high=36_000
    )
    grace_timeout: int = _setting(30, "seconds a stopping worker has for the requests it took on", low=1, high=3600)
    max_upload_mb: int = _setting(10, "largest request body in MB, for nginx and the app alike", low=1, high=1024)
    max_pixels: int = _setting(
        50_000_000, "most pixels (width x height) of a picture that is decoded", low=1, high=89_000_000
    )
    api_keys: str = _setting("", "keys that clients must have, with commas between; empty means that anybody may")
    api_keys_file: str = _setting("", "file of such keys, one a line")
    metrics_from: str = _setting(
        "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7",
        "networks that may read `/metrics`, with commas between; `*` is everybody",
    )
    cors_origins: str = _setting(
        "",
        "origins whose pages may use the API, like `https://example.com`, with commas between; `*` is all of them",
        pattern=rf"\*|{_ORIGIN}( *, *{_ORIGIN})*",
    )
    max_images: int = _setting(32, "most pictures in one request", low=1, high=1000)
    predict_urls: bool = _setting(False, "whether pictures are fetched from a `url` in a request: 1 or 0")
    url_timeout: float = _setting(5.0, "seconds that fetching the pictures of one request may take", low=0.1, high=60)
    url_ports: str = _setting("80,443", "ports that pictures are fetched from, with commas between")
    url_allow: str = _setting(
        "", "host names and networks that pictures are fetched from though they are not public, with commas between"
    )
    client_rate: int = _setting(
        50,
        "requests a second nginx takes from one client, after twice as many at once; 0 is no limit",
        low=0,
        high=100_000,
    )
    client_connections: int = _setting(
        200, "requests of one client that nginx has open at once; 0 is no limit", low=0, high=65_535
    )
    trusted_proxies: str = _setting(
        "",
        "addresses or networks, with commas between, of load balancers whose `X-Forwarded-For` tells who the client is",
        networks=True,
    )
    log_level: str = _setting(
        "info", "`debug`, `info`, `warning` or `error`", choices=("debug", "info", "warning", "error")
    )

    def __post_init__(self) -> None:
        _ = self.metrics_networks  # a bad value is told at the start, not to who asks first

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        values: dict[str, Any] = {}
        for item in fields(cls):
            text = _text(item, env)
            if text:
                values[item.name] = _cast(item, text)
        return cls(**values)

    @property
    def worker_count(self) -> int:
        return self.workers or max(1, min(4, cores() // 2))

    @property
    def devices(self) -> list[str]:
        return [name.strip() for name in self.device.split(",")]

    @property
    def on_gpu(self) -> bool:
        return self.device.startswith("cuda")

    @property
    def batch_limit(self) -> int:
        return self.max_batch or (64 if self.on_gpu else 8)

    @property
    def compute_thread_count(self) -> int:
        return self.compute_threads or max(1, cores() // self.worker_count)

    @property
    def max_upload_bytes(self) -> int:
        return self.max_upload_mb * 1024 * 1024

    @property
    def origins(self) -> tuple[str, ...]:
        given = (origin.strip() for origin in self.cors_origins.split(","))
        return tuple(dict.fromkeys(filter(None, given)))

    @cached_property
    def metrics_networks(self) -> list[IPv4Network | IPv6Network]:
        return _networks("METRICS_FROM", "0.0.0.0/0,::/0" if self.metrics_from == "*" else self.metrics_from)

    @property
    def engine_precision(self) -> str:
        """What is asked of the engine; empty means that it chooses. int8 is in the bundle, not in the engine."""
        return "" if self.precision in ("auto", "int8") else self.precision


def _networks(name: str, text: str) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(item.strip(), strict=False) for item in text.split(",")]
    except ValueError as error:
        raise SettingError(f"{name}={text!r}: {error}: give networks like 10.0.0.0/8, with commas between") from None


def table() -> str:
    rows = ["| setting | default | what it is |", "| --- | --- | --- |"]
    for item in fields(Settings):
        default = item.default if item.default != PROJECT / "models" else "models"
        default = int(default) if isinstance(default, bool) else default
        shown = f"`{default}`" if default != "" else ""
        rows.append(f"| `{item.name.upper()}` | {shown} | {item.metadata['help']} |")
    return "\n".join(rows)


def _text(item: Field[Any], env: Mapping[str, str]) -> str:
    names = [item.name.upper(), item.metadata["alias"]]
    return next((env[name].strip() for name in names if name and env.get(name, "").strip()), "")


def _cast(item: Field[Any], text: str) -> object:
    casts: dict[str, Callable[[str], object]] = {
        "int": int,
        "float": float,
        "bool": _bool,
        "Path": Path,
        "str": str,
    }
    name, limits = item.name.upper(), item.metadata
    try:
        value = casts[str(item.type)](text)
    except ValueError:
        kind = "neither yes nor no" if item.type == "bool" else "not a number"
        raise SettingError(f"{name}={text!r} is {kind}: give {limits['help']}") from None
    if limits["choices"] and text not in limits["choices"]:
        raise SettingError(f"{name}={text!r} is none of {', '.join(limits['choices'])}")
    if limits["pattern"] and not re.fullmatch(limits["pattern"], text):
        raise SettingError(f"{name}={text!r} cannot be used: give {limits['help']}")
    if limits["networks"]:
        return ",".join(map(str, _networks(name, text)))
    if limits["low"] is not None and isinstance(value, int | float) and not limits["low"] <= value <= limits["high"]:
        raise SettingError(f"{name}={text} is out of range: {limits['low']} to {limits['high']}")
    return value


def _bool(text: str) -> bool:
    if text.lower() not in (*_YES, *_NO):
        raise ValueError(text)
    return text.lower() in _YES


if __name__ == "__main__":
    print(table())
