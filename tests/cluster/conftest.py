from __future__ import annotations

from collections.abc import Iterator

import pytest

from my_inference_app.bundles.bundle import Bundle
from tests.cluster.nodes import Cluster, cluster_of_two
from tests.live.service import Service, running


@pytest.fixture(scope="session")
def cluster(colours: Bundle) -> Iterator[Cluster]:
    """Two nodes with a replica on each. A test that kills a node starts it again."""
    with cluster_of_two() as started:
        started.deploy(colours.path)
        yield started


@pytest.fixture(scope="session")
def on_ray(cluster: Cluster, colours: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """gunicorn and nginx with two workers, which compute nothing themselves."""
    log = tmp_path_factory.mktemp("ray") / "service.log"
    settings = {"ENGINE": "ray", "RAY_ADDRESS": cluster.address, "RAY_REPLICAS": 2, "BUNDLE": colours.path}
    with running(log, WORKERS=2, REQUEST_TIMEOUT=20, **settings) as service:
        service.wait_for_workers(2)
        yield service
