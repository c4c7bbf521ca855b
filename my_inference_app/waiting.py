"""How many requests wait for a thread of the app."""

from __future__ import annotations

from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_OPEN = ("01", "08")  # established, and half-closed by the client


def requests_waiting(port: int) -> int | None:
    """Connections to this port with bytes that nobody has read yet. None where the system does not tell.

    A request is read as soon as it has a thread, so these are the ones that have none, whether a worker has accepted
    their connection or not.
    """
    tables = [table.read_text() for table in _TABLES if table.exists()]
    return sum(_unread(table, f":{port:04X}") for table in tables) if tables else None


def _unread(table: str, port: str) -> int:
    rows = (line.split() for line in table.splitlines()[1:])
    return sum(row[1].endswith(port) and row[3] in _OPEN and not row[4].endswith(":00000000") for row in rows)
