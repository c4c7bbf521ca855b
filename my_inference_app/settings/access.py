"""Who may use the service: keys, origins and proxies."""

from __future__ import annotations

from dataclasses import dataclass

from .parsing import Network, keys, keys_of_file, networks, origins
from .setting import setting


@dataclass(frozen=True)
class Access:
    api_keys: tuple[bytes, ...] = setting(
        (), "keys that clients must send, separated by commas; empty means that no key is needed", keys, secret=True
    )
    api_keys_file: tuple[bytes, ...] = setting(
        (), "file with further such keys, one a line; lines that start with `#` are comments", keys_of_file, secret=True
    )
    cors_origins: tuple[str, ...] = setting(
        (),
        "origins whose pages may use the API, like `https://example.com`, separated by commas; `*` means all",
        origins,
    )
    trusted_proxies: tuple[Network, ...] = setting(
        (),
        "addresses or networks of load balancers whose `X-Forwarded-For` is trusted, separated by commas",
        networks,
    )

    @property
    def keys(self) -> tuple[bytes, ...]:
        """All keys; none means that everybody may use the service."""
        return self.api_keys + self.api_keys_file
