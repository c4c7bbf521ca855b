"""Images that the service fetches from URLs."""

from __future__ import annotations

from dataclasses import dataclass

from .parsing import Network, Number, hosts_and_networks, ports, yes_or_no
from .setting import setting


@dataclass(frozen=True)
class Urls:
    predict_urls: bool = setting(False, "whether a request may name images by `url`: 1 or 0", yes_or_no)
    url_timeout: float = setting(5.0, "seconds to fetch all images of one request", Number(0.1, 60))
    url_ports: frozenset[int] = setting(
        frozenset({80, 443}), "ports that images may be fetched from, separated by commas", ports
    )
    url_allow: tuple[str | Network, ...] = setting(
        (),
        "host names and networks that images may be fetched from although they are not public, separated by commas",
        hosts_and_networks,
    )
