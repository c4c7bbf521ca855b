"""ENGINE=ray: a real service in front of a real cluster of two nodes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import requests
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.engines.base import FeatureEngine, load_engine
from my_inference_app.settings.ray import Ray
from tests.cluster.load import RIGHT, load
from tests.cluster.nodes import HEAD, SECOND, Cluster
from tests.collector import Collector, values
from tests.exposition import total
from tests.images import COLOURS, plain_image
from tests.live.service import Service, until


def test_engine_returns_what_the_engine_of_the_bundle_returns(cluster: Cluster, colours: Bundle) -> None:
    """More images than a batch of a replica holds, too."""
    images = np.random.default_rng(0).integers(0, 256, (20, *colours.input.size, 3), np.uint8)
    here = load_engine(colours, "openvino", threads=1)
    there = load_engine(colours, "ray", threads=1, cluster=Ray(ray_address=cluster.address))
    assert isinstance(here, FeatureEngine) and isinstance(there, FeatureEngine)
    np.testing.assert_allclose(there(images), here(images), atol=1e-6)
    for found, expected in zip(there.with_features(images[:3]), here.with_features(images[:3]), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_predictions_explanations_and_embeddings(on_ray: Service) -> None:
    for label in COLOURS:
        answer = requests.post(f"{on_ray.url}/predict?explain=1", data=plain_image(label), timeout=60).json()
        assert answer["predictions"][0]["label"] == label
        assert len(answer["explanations"][0]["grid"]) == 8
    embedded = requests.post(f"{on_ray.url}/embed", data=plain_image(), timeout=60)
    assert len(embedded.json()["embedding"]) == 3


def test_log_and_metrics_are_those_of_any_engine(on_ray: Service) -> None:
    headers = {"X-Request-ID": "on-ray"}
    answer = requests.post(f"{on_ray.url}/predict", data=plain_image(), headers=headers, timeout=60)
    assert answer.headers["X-Request-ID"] == "on-ray"
    until(lambda: on_ray.lines_of("on-ray"))
    text = requests.get(f"{on_ray.management_url}/metrics", timeout=60).text
    assert total(text, "inference_stage_seconds_count", {"stage": "infer", "model": "colours"}) > 0


def test_several_models_are_computed_each_by_its_own_replicas(on_ray: Service) -> None:
    """One of them is a pipeline in Python."""
    for model in ("colours", "means"):
        (found,) = requests.get(f"{on_ray.url}/models/{model}", timeout=60).json()["versions"]
        assert (found["engine"], found["state"]) == ("ray", "ready")
        answer = requests.post(f"{on_ray.url}/predict/{model}", data=plain_image("blue"), timeout=60).json()
        assert (answer["model"], answer["predictions"][0]["label"]) == (model, "blue")


def test_traces_are_those_of_any_engine(on_ray: Service, collector: Collector) -> None:
    headers = {"X-Request-ID": "traced-on-ray"}
    requests.post(f"{on_ray.url}/predict", data=plain_image(), headers=headers, timeout=60)
    (span,) = until(lambda: [each for each in collector.requests if _id_of(each) == "traced-on-ray"])
    assert [part.name for part in until(lambda: collector.parts_of(span))] == ["wait", "decode", "queue", "infer"]


def _id_of(span: Span) -> str:
    return str(values(span.attributes)["inference.request_id"])


def test_broken_image_is_refused_as_with_any_engine(on_ray: Service) -> None:
    assert requests.post(f"{on_ray.url}/predict", data=b"not an image", timeout=60).status_code == 415


def test_node_killed_and_replicas_replaced_under_load(cluster: Cluster, on_ray: Service, colours: Bundle) -> None:
    with load(on_ray.url) as seen:
        until(lambda: seen[RIGHT] > 20)
        cluster.kill(SECOND)
        answered = seen[RIGHT]
        until(lambda: seen[RIGHT] > answered + 40)
        cluster.start(SECOND)
        cluster.deploy(colours.path)  # replaces the replicas by new ones
        answered = seen[RIGHT]
        until(lambda: seen[RIGHT] > answered + 40)
    assert set(seen) == {RIGHT}


def test_lost_cluster_is_503_until_it_is_back(cluster: Cluster, on_ray: Service, colours: Bundle) -> None:
    """Requests that are under way are answered, too."""
    with ThreadPoolExecutor(4) as pool:
        for host in (SECOND, HEAD):
            cluster.kill(host)
        answers = list(pool.map(lambda _: _predict(on_ray), range(8)))
    for answer in answers:
        assert answer.status_code == 503, answer.text
        assert answer.json()["error"]["code"] == "not_ready"
        assert int(answer.headers["Retry-After"]) > 0
    assert requests.get(f"{on_ray.url}/healthz", timeout=60).ok
    cluster.start(HEAD)
    cluster.deploy(colours.path, RAY_REPLICAS=1)
    until(lambda: _predict(on_ray).ok)


def _predict(service: Service) -> requests.Response:
    return requests.post(f"{service.url}/predict", data=plain_image(), timeout=60)
