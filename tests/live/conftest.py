from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from my_inference_app.bundles.bundle import Bundle
from tests.live.service import Service, Start, running
from tests.pipelines import example, models_of_example


@pytest.fixture
def start(tmp_path: Path, tiny: Bundle) -> Iterator[Start]:
    """Starts a service with settings of the test's own, and a model that starts and answers quickly."""
    with ExitStack() as stack:

        def begin(*arguments: str, **settings: object) -> Service:
            log = tmp_path / f"service-{len(list(tmp_path.iterdir()))}.log"
            return stack.enter_context(running(log, *arguments, **{"BUNDLE": tiny.path, **settings}))

        yield begin


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, efficientnet: Path, tiny: Bundle) -> Iterator[Service]:
    """One with the default settings, for all tests that leave it as they found it, and for every client at once.

    It serves a model and a pipeline by the command of docs/own-python.md, and a model with a name as on the hub.
    """
    store = tmp_path_factory.mktemp("store")
    (store / "efficientnet-lite0").symlink_to(efficientnet)
    (store / "org--colours").symlink_to(tiny.path)
    example(store / "exposure")
    models = [*models_of_example(), {"model": "org/colours", "name": "org/colours"}]
    log = tmp_path_factory.mktemp("live") / "service.log"
    with running(log, MODELS_DIR=store, SERVER_MODELS=json.dumps(models)) as started:
        yield started
