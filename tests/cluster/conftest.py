from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.engines.relay import relay_of
from tests.cluster.nodes import Cluster, cluster_of_two
from tests.collector import Collector, collecting
from tests.live.service import Service, running
from tests.pipelines import pipeline

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
def collector() -> Collector:
    return _started.enter_context(collecting())


@pytest.fixture(scope="session")
def on_ray(
    cluster: Cluster, colours: Bundle, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Service:
    """gunicorn and nginx with two workers, which compute nothing themselves, and two models."""
    folder = tmp_path_factory.mktemp("ray")
    store = folder / "models"
    shutil.copytree(colours.path, store / "colours")
    cluster.deploy(pipeline(store / "means"), RAY_REPLICAS=1, RAY_CPUS=0.5)
    settings = {"ENGINE": "ray", "RAY_ADDRESS": cluster.address, "RAY_REPLICAS": 2, "MODELS_DIR": store}
    settings |= {"BUNDLE": "", "SERVER_MODELS": json.dumps([{"model": "colours"}, {"model": "means"}])}
    settings |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": 100}
    service = _started.enter_context(running(folder / "log", WORKERS=2, REQUEST_TIMEOUT=20, **settings))
    service.wait_for_workers(2)
    return service


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Ends both after the last test of this folder: an idle cluster takes a core from all tests that follow."""
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        _started.close()
