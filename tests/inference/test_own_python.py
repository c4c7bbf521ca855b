"""A pipeline of the operator's own among the models: it is served like any other, and its failures stay its own."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import BundleError, ModelFailed, NotReady, ServiceError
from my_inference_app.inference.answers import Result
from my_inference_app.inference.classifier import Classifier
from my_inference_app.inference.registry import Registry, load
from my_inference_app.settings import Settings
from my_inference_app.settings.server_models import Entry
from tests.images import COLOURS, plain_image
from tests.pipelines import MEAN_COLOUR, pipeline

# Computes in the size of its input, which the batches of warming up have too, so they are black.
FAILS_ON_RED = f"""
    if (images[:, 0, 0, 0] > 200).any():
        {{failure}}
    {MEAN_COLOUR}
    """


def labels(classifier: Classifier, *images: bytes) -> list[str | ServiceError]:
    outcomes = classifier.classify(images, time.monotonic() + 60).outcomes
    return [outcome.top(1)[0].label if isinstance(outcome, Result) else outcome for outcome in outcomes]


@pytest.fixture
def models(tiny: Bundle, tmp_path: Path) -> Path:
    (tmp_path / "tiny").symlink_to(tiny.path)
    return tmp_path


def served(models: Path, replicas: int = 1, request_timeout: float = 30) -> Registry:
    entries = (Entry("mine", replicas=replicas), Entry("tiny"))
    return load(Settings(models_dir=models, server_models=entries, request_timeout=request_timeout))


def test_pipeline_is_served_beside_another_model(models: Path) -> None:
    pipeline(models / "mine", license="MIT")
    registry = served(models, replicas=2)
    assert registry.names == ("mine", "tiny")
    for name in registry.names:
        assert labels(registry.find(name), *map(plain_image, COLOURS)) == list(COLOURS)
    about = registry.find("mine").description
    assert (about.engine, about.precision, about.replicas, about.license) == ("python", "own", 2, "MIT")
    assert registry.find("tiny").description.engine == "openvino"


@pytest.mark.parametrize(
    "failure", ["raise KeyError('secret')", "images = images * float('nan')", "return images[:1, 0, 0, :2]"]
)
def test_image_on_which_a_pipeline_fails_spoils_no_other(models: Path, failure: str) -> None:
    pipeline(models / "mine", FAILS_ON_RED.format(failure=failure))
    registry = served(models)
    green, red, blue = labels(registry.find("mine"), *map(plain_image, ("green", "red", "blue")))
    assert (green, blue) == ("green", "blue")
    assert isinstance(red, ModelFailed) and "mine" in str(red) and "secret" not in str(red)
    assert "mine/pipeline.py" in str(red.__cause__), "the log says which, and how"
    assert labels(registry.find("tiny"), plain_image("red")) == ["red"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("1 / 0", r"pipeline.py failed: ZeroDivisionError: division by zero \(line 7\)"),
        ("return [[0, 1]] * len(images)", "3 labels for 2 classes"),
        ("return images[:1, 0, 0]", r"an array of shape \(1, 3\) instead of \(8, 3\)"),
    ],
)
def test_pipeline_that_does_not_fit_stops_the_start(models: Path, body: str, reason: str) -> None:
    pipeline(models / "mine", body)
    with pytest.raises(BundleError, match=f"{models / 'mine'}.*{reason}.*; correct its pipeline.py") as caught:
        served(models)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("before", "body"), [("GO.wait()", MEAN_COLOUR), ("def compile(pipe): GO.wait()", MEAN_COLOUR), ("", "GO.wait()")]
)
def test_pipeline_that_hangs_stops_the_start(
    models: Path, before: str, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = Event()
    monkeypatch.setattr("builtins.GO", go, raising=False)
    pipeline(models / "mine", body, before=before)
    settings = Settings(models_dir=models, server_models=(Entry("mine"),), load_timeout=0.2)
    try:
        with pytest.raises(BundleError, match=f"^the pipeline in {models / 'mine'} was not ready after 0.2 s: "):
            load(settings)
    finally:
        go.set()


def test_model_that_hangs_refuses_requests_and_the_others_answer(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = Event()
    monkeypatch.setattr("builtins.GO", go, raising=False)
    pipeline(models / "mine", FAILS_ON_RED.format(failure="GO.wait()"))
    registry = served(models, request_timeout=0.2)
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(labels, registry.find("mine"), plain_image("red"))
        refused: NotReady | None = None
        while refused is None:
            try:
                registry.find("mine").classify([plain_image("green")], time.monotonic() + 0.05)
            except NotReady as error:
                refused = error
            except ServiceError:  # it waits for its turn until it has been hanging for long enough
                pass
        assert "mine hangs" in str(refused)
        assert labels(registry.find("tiny"), plain_image("red")) == ["red"]
        go.set()
        assert hanging.result(60) == ["red"]
    assert labels(registry.find("mine"), plain_image("green")) == ["green"]
