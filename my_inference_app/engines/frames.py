"""Messages between a worker and its relay to Ray: a header in JSON, and arrays."""

from __future__ import annotations

import json
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

Header = dict[str, Any]
Array = NDArray[Any]
_KINDS = {"images": np.uint8, "logits": np.float32, "features": np.float32}


def send(connection: Connection, header: Header, **arrays: Array) -> None:
    shapes = {name: array.shape for name, array in arrays.items()}
    connection.send_bytes(json.dumps({**header, "arrays": shapes}).encode())
    for name, array in arrays.items():
        connection.send_bytes(np.ascontiguousarray(array, _KINDS[name]).data.cast("B"))


def receive(connection: Connection) -> tuple[Header, dict[str, Array]]:
    """Raises EOFError or OSError if the other side is gone."""
    header: Header = json.loads(connection.recv_bytes())
    arrays: dict[str, Array] = {}
    for name, shape in header.pop("arrays").items():
        arrays[name] = np.empty(shape, _KINDS[name])
        connection.recv_bytes_into(arrays[name].data.cast("B"))
    return header, arrays
