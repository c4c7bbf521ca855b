"""The server, running or not yet, and a folder with three files to send."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.post_request.scripted_service import Service


@pytest.fixture
def silent() -> Iterator[Service]:
    server = Service()
    yield server
    server.stop()


@pytest.fixture
def service(silent: Service) -> Service:
    silent.start()
    return silent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).write_bytes(f"image {name}\r\n\r\n--\xff".encode("latin-1"))
    return tmp_path
