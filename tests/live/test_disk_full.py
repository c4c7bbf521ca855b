"""A disk without room under nginx: large requests go through a file there."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.live.service import REPOSITORY, Start

SMALL = (REPOSITORY / "post_request" / "cat.jpg").read_bytes()
LARGE = SMALL + bytes(3_000_000)  # what comes after a JPEG's end is no part of it


@pytest.fixture
def disk() -> Iterator[Path]:
    """A small one of its own. Not below pytest's folder, where nginx's workers may not go."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        command = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=755", "tmpfs", folder]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except OSError as error:
            pytest.skip(f"a disk cannot be mounted here: {error}")
        if done.returncode:
            pytest.skip(f"a disk cannot be mounted here: {done.stderr.strip()}")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as out:
        try:
            while True:
                out.write(bytes(65536))
        except OSError:
            return


def test_only_large_requests_suffer_and_only_while_it_is_full(disk: Path, start: Start) -> None:
    service = start(TMPDIR=disk)
    url = f"{service.url}/predict"
    assert requests.post(url, data=LARGE, timeout=60).status_code == 200
    filler = disk / "filler"
    fill(filler)
    for body in (LARGE, iter([LARGE])):
        response = requests.post(url, data=body, timeout=60)
        assert response.status_code == 507
        error = response.json()["error"]
        assert error["code"] == "storage_full"
        assert "disk is full" in error["message"]
        assert response.headers["X-Request-ID"] == response.json()["request_id"]
    assert requests.post(url, data=SMALL, timeout=60).status_code == 200
    assert "No space left on device" in service.log
    filler.unlink()
    assert requests.post(url, data=LARGE, timeout=60).status_code == 200
