"""One service, one Chromium with JavaScript and one without, for all tests of the page."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from werkzeug.serving import make_server

from my_inference_app.inference.classifier import Classifier
from tests.browser.chromium import chromium
from tests.browser.visit import Visit
from tests.conftest import client_of
from tests.live.service import Service, running


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, efficientnet: Path) -> Iterator[Service]:
    """The real thing: nginx, gunicorn and a model that knows cats and coffee."""
    with running(tmp_path_factory.mktemp("browser") / "service.log", BUNDLE=efficientnet, WORKERS=1) as started:
        yield started


@pytest.fixture(scope="session")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("profile"), javascript=False) as driver:
        yield driver


@pytest.fixture
def visit(scripted: webdriver.Chrome, service: Service) -> Visit:
    return Visit(scripted, service.url)


Visiting = Callable[..., Visit]


@pytest.fixture
def visiting(scripted: webdriver.Chrome) -> Iterator[Visiting]:
    """Visits a service that has these classifiers and these settings, without nginx."""
    with ExitStack() as stack:

        def start(*classifiers: Classifier, **settings: Any) -> Visit:
            server = make_server("127.0.0.1", 0, client_of(*classifiers, **settings).application, threaded=True)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever).start()
            return Visit(scripted, f"http://127.0.0.1:{server.port}")

        yield start
