"""Limits: how much, how large, how long."""

from __future__ import annotations

from dataclasses import dataclass

from .parsing import Number, Whole
from .setting import setting


@dataclass(frozen=True)
class Limits:
    queue_size: int = setting(
        1024,
        "requests that may wait for the app, of all clients together; more are refused at once",
        Whole(1, 100_000),
    )
    request_timeout: float = setting(
        30.0, "seconds that a request may take, waiting included, before it is refused", Number(0.1, 3600)
    )
    hang_timeout: float = setting(
        60.0, "seconds after which a request counts as hanging and its worker is replaced", Number(0.5, 36_000)
    )
    load_timeout: float = setting(
        60.0,
        "seconds that a pipeline in Python of your own may take until it is ready, before its start fails",
        Number(0.1, 3600),
    )
    max_upload_mb: int = setting(10, "largest request body in MB", Whole(1, 1024))
    max_pixels: int = setting(50_000_000, "largest image in pixels (width x height)", Whole(1, 89_000_000))
    max_images: int = setting(32, "most images in one request", Whole(1, 1000))
    client_rate: int = setting(
        0, "requests a second from one client, with a burst of twice as many; 0 means no limit", Whole(0, 100_000)
    )
    client_connections: int = setting(
        0, "requests that one client may have open at the same time; 0 means no limit", Whole(0, 65_535)
    )

    @property
    def max_upload_bytes(self) -> int:
        return self.max_upload_mb * 1024 * 1024
