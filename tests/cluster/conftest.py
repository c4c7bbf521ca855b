from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.engines.relay import relay_of
from tests.cluster.nodes import Cluster, cluster_of_two
from tests.live.service import Service, running

_started = ExitStack()


@pytest.fixture(scope="session")
def cluster(colours: Bundle) -> Iterator[Cluster]:
    """Two nodes with a replica on each. A test that kills a node starts it again."""
    with _started:
        started = _started.enter_context(cluster_of_two())
        # Engines of the tests' own process use it, and it would try to reach the cluster for as long as that runs.
        _started.callback(lambda: relay_of(started.address).close())
        started.deploy(colours.path)
        yield started


@pytest.fixture(scope="session")
def on_ray(cluster: Cluster, colours: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """gunicorn and nginx with two workers, which compute nothing themselves."""
    log = tmp_path_factory.mktemp("ray") / "service.log"
    settings = {"ENGINE": "ray", "RAY_ADDRESS": cluster.address, "RAY_REPLICAS": 2, "BUNDLE": colours.path}
    service = _started.enter_context(running(log, WORKERS=2, REQUEST_TIMEOUT=20, **settings))
    service.wait_for_workers(2)
    return service


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Ends both after the last test of this folder: an idle cluster takes a core from all tests that follow."""
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        _started.close()
