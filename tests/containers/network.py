"""A network of the tests' own: a bridge that leads to this machine only, and a namespace for each container."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.containers import names

# Of the range that is reserved for measurements: no other network uses it.
_PREFIX = "198.18.77"


@dataclass
class Network:
    bridge: str = field(default_factory=lambda: f"b{os.getpid()}")
    host: str = f"{_PREFIX}.1"
    names: dict[str, list[str]] = field(default_factory=dict)
    """What its DNS server knows: the addresses of each service."""
    _last: int = 1

    @contextmanager
    def joined(self, name: str) -> Iterator[tuple[str, str]]:
        """Yields a network namespace, as a path, and its address on the bridge."""
        self._last += 1
        namespace, outer, address = f"{self.bridge}-{name}", f"{self.bridge}v{self._last}", f"{_PREFIX}.{self._last}"
        _ip("netns", "add", namespace)
        try:
            _ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", namespace)
            _ip("link", "set", outer, "master", self.bridge, "up")
            _ip("-n", namespace, "address", "add", f"{address}/24", "dev", "eth0")
            for device in ("eth0", "lo"):
                _ip("-n", namespace, "link", "set", device, "up")
            yield f"/run/netns/{namespace}", address
        finally:
            _ip("netns", "delete", namespace)
            with suppress(subprocess.CalledProcessError):  # it may have gone with the namespace
                _ip("link", "delete", outer)


@contextmanager
def bridged() -> Iterator[Network]:
    network = Network()
    _ip("link", "add", network.bridge, "type", "bridge")
    try:
        _ip("address", "add", f"{network.host}/24", "dev", network.bridge)
        _ip("link", "set", network.bridge, "up")
        with names.served(network.host, network.names):
            yield network
    finally:
        _ip("link", "delete", network.bridge)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
