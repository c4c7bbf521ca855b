"""Free ports for servers that are started, for benchmarks and tests."""

from __future__ import annotations

import os
import socket
from itertools import cycle

HOST = "127.0.0.1"
# Below the ports that systems give to outgoing connections: one of those could take a port before its server does.
_FIRST, _LAST = 10_240, 32_767
_candidates = cycle(range(_FIRST, _LAST + 1))
for _ in range(os.getpid() * 97 % (_LAST - _FIRST)):  # processes beside each other start at different ones
    next(_candidates)


def free_port() -> int:
    """A port that this function has not returned in this process before."""
    for port in _candidates:
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        return port
    raise AssertionError("a cycle has no end")
