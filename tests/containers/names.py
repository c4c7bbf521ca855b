"""A DNS server for containers: as Docker's, it knows the addresses of each service, and nothing else."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address
from threading import Thread

_A = 1
_NAME_ERROR = 3
_QUERY_NAME = b"\xc0\x0c"
"""A pointer to the name in the question."""


def answer(query: bytes, names: Mapping[str, Sequence[str]]) -> bytes:
    """The response to a query for one name."""
    labels, end = [], 12
    while length := query[end]:
        labels.append(query[end + 1 : end + 1 + length].decode())
        end += 1 + length
    question = query[12 : end + 5]
    (kind,) = struct.unpack_from(">H", query, end + 1)
    known = names.get(".".join(labels))
    addresses = known if known and kind == _A else []
    flags = 0x8580 | (0 if known else _NAME_ERROR)
    head = query[:2] + struct.pack(">HHHHH", flags, 1, len(addresses), 0, 0)
    records = [_QUERY_NAME + struct.pack(">HHIH", _A, 1, 1, 4) + IPv4Address(address).packed for address in addresses]
    return head + question + b"".join(records)


@contextmanager
def served(host: str, names: Mapping[str, Sequence[str]]) -> Iterator[None]:
    """Answers on port 53 of this address for as long as the block runs. The names may change meanwhile."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((host, 53))
        thread = Thread(target=_serve, args=(server, names))
        thread.start()
        try:
            yield
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                end.sendto(b"", (host, 53))
            thread.join()


def _serve(server: socket.socket, names: Mapping[str, Sequence[str]]) -> None:
    while True:
        query, client = server.recvfrom(512)
        if not query:
            return
        server.sendto(answer(query, names), client)
