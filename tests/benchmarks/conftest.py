from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.rows import Started, service
from benchmarks.soak.__main__ import SETTINGS
from tests.live.service import REPOSITORY


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory, efficientnet: Path) -> Iterator[Started]:
    """The service as the soak starts it."""
    image, folder = REPOSITORY / "post_request" / "cat.jpg", tmp_path_factory.mktemp("benchmarks")
    with service({**SETTINGS, "BUNDLE": str(efficientnet)}, image, "cat", folder) as running:
        yield running
