"""Calls of single engines to replicas of a cluster: too many, too slow, and failing ones."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from benchmarks.ports import free_port
from my_inference_app.bundles import bundle as bundles
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.engines.base import Engine, RemoteEngine, load_engine
from my_inference_app.engines.relay import relay_of
from my_inference_app.errors import NotReady, Overloaded, SettingError, SetupError
from my_inference_app.settings.ray import Ray
from tests.cluster.nodes import Cluster
from tests.live.service import until
from tests.pipelines import MEAN_COLOUR, pipeline

GREY = np.full((1, 32, 32, 3), 96, np.uint8)
WHITE = np.full((1, 32, 32, 3), 255, np.uint8)
# Fails for white images, and waits for a file with all others.
GATED = f"""
    if images.max() == 255:
        raise ValueError("white is not a colour")
    (self.settings.folder / f"entered-{{time.monotonic()}}").touch()
    while (self.settings.folder / "closed").exists():
        time.sleep(0.02)
    {MEAN_COLOUR}
"""


def engine(bundle: Bundle, address: str) -> Engine:
    return load_engine(bundle, "ray", threads=1, cluster=Ray(ray_address=address))


@dataclass
class Gated:
    folder: Path
    engines: list[Engine]

    def close(self) -> None:
        (self.folder / "closed").touch()

    def open(self) -> None:
        (self.folder / "closed").unlink(missing_ok=True)

    @property
    def entered(self) -> int:
        return len(list(self.folder.glob("entered-*")))


@pytest.fixture(scope="module")
def application(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Gated:
    """One replica that computes one image at a time, and one call that may wait for it."""
    folder = pipeline(tmp_path_factory.mktemp("pipelines") / "gated", GATED, before="import time")
    cluster.deploy(folder, RAY_REPLICAS=1, RAY_CPUS=0.5, MAX_BATCH=1, QUEUE_SIZE=1)
    bundle = bundles.read(folder)
    return Gated(folder, [engine(bundle, cluster.address) for _ in range(3)])


def test_further_call_is_overloaded_while_one_is_computed_and_one_waits(application: Gated) -> None:
    application.close()
    before = application.entered
    first, *others = application.engines
    with ThreadPoolExecutor(3) as pool:
        try:
            computed = pool.submit(first, GREY)
            until(lambda: application.entered > before)
            (refused,), (waiting,) = wait([pool.submit(other, GREY) for other in others], 60, FIRST_COMPLETED)
            error = refused.exception()
            assert isinstance(error, Overloaded) and error.retry_after
        finally:
            application.open()
        np.testing.assert_allclose([computed.result(), waiting.result()], [[[3, 3, 3]], [[3, 3, 3]]])


def test_call_without_an_answer_is_given_up_at_its_deadline(application: Gated) -> None:
    application.close()
    (first, *_) = application.engines
    assert isinstance(first, RemoteEngine)
    deadline = time.monotonic() + 3  # it looks for the head meanwhile
    try:
        with pytest.raises(NotReady, match="the Ray cluster does not answer: try again in a moment"):
            first.until(deadline)(GREY)
    finally:
        application.open()
    np.testing.assert_allclose(first(GREY), [[3, 3, 3]])  # and not a late answer to the call before


def test_exception_of_the_model_comes_back_with_its_traceback(application: Gated) -> None:
    with pytest.raises(RuntimeError, match="white is not a colour"):
        application.engines[0](WHITE)


def test_bundle_that_is_not_deployed_is_one_line(cluster: Cluster, tiny: Bundle) -> None:
    with pytest.raises(SetupError, match=r"has no application tiny-\w{12}: deploy it with `python -m"):
        engine(tiny, cluster.address)


def test_address_where_nothing_listens_is_one_line(tiny: Bundle) -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(SetupError, match=rf"^RAY_ADDRESS={address}: there is no Ray cluster at {address} "):
        engine(tiny, address)
    relay_of(address).close()


def test_address_must_be_set(tiny: Bundle) -> None:
    with pytest.raises(SettingError, match=r"RAY_ADDRESS is not set: .* or use `make run-ray`"):
        engine(tiny, "")
