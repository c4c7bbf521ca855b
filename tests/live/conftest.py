from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.live.service import Service, Start, running


@pytest.fixture
def start(tmp_path: Path, efficientnet: Path) -> Iterator[Start]:
    """Starts a service with settings of the test's own."""
    with ExitStack() as stack:

        def begin(*arguments: str, **settings: object) -> Service:
            log = tmp_path / f"service-{len(list(tmp_path.iterdir()))}.log"
            return stack.enter_context(running(log, *arguments, **{"BUNDLE": efficientnet, **settings}))

        yield begin


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, efficientnet: Path) -> Iterator[Service]:
    """One with the default settings, for all tests that leave it as they found it."""
    with running(tmp_path_factory.mktemp("live") / "service.log", BUNDLE=efficientnet) as started:
        yield started
