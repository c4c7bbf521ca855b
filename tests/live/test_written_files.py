"""The service writes to /tmp and /dev/shm only: its containers can write nowhere else."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import psutil

from tests.live.service import Service, until

_FOR_WRITING = os.O_WRONLY | os.O_RDWR
_BODY = b"x" * 1_000_000
_MEMORY = "/dev/shm/"  # noqa: S108


def written_by(process: psutil.Process) -> set[str]:
    """The files a process has open for writing; no pipes, sockets or devices."""
    found = set()
    for entry in Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            path = str(entry.readlink())
            flags = int((entry.parent.parent / "fdinfo" / entry.name).read_text().split()[3], 8)
        except OSError:  # closed meanwhile
            continue
        is_file = path.startswith(_MEMORY) or (path.startswith("/") and not path.startswith("/dev/"))
        if is_file and flags & _FOR_WRITING:
            found.add(path)
    return found


def test_only_temporary_files_are_written(service: Service) -> None:
    started = psutil.Process(service.process.pid)
    address = ("127.0.0.1", int(service.url.rpartition(":")[2]))

    def written() -> set[str]:
        return {path for process in started.children(recursive=True) for path in written_by(process)}

    with socket.create_connection(address, timeout=30) as connection:
        # More than nginx keeps in memory, and not all of it yet.
        head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {2 * len(_BODY)}\r\n\r\n"
        connection.sendall(head.encode() + _BODY)
        until(lambda: any("/body/" in path for path in written()))
        found = written()
    places = (tempfile.gettempdir() + "/", _MEMORY)
    assert {path for path in found if not path.startswith(places)} == set()
