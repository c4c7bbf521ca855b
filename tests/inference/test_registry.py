"""Several models in one worker: found by name and version, loaded from the store."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from my_inference_app.bundles.bundle import Bundle
from my_inference_app.errors import BundleError, ModelNotFound
from my_inference_app.inference.answers import Result
from my_inference_app.inference.registry import Registry, load, of
from my_inference_app.settings import Settings
from my_inference_app.settings.server_models import Entry
from tests.conftest import FakeClassifier
from tests.images import plain_image
from tests.live.breakages import copy


def fake(name: str, version: str = "1") -> FakeClassifier:
    return FakeClassifier(name=name, version=version)


def test_first_model_is_the_default() -> None:
    assert of(fake("a"), fake("b")).find().name == "a"


@pytest.mark.parametrize("name", ["microsoft/resnet-50", "microsoft--resnet-50", "resnet-50"])
def test_model_is_found_by_every_form_of_its_name(name: str) -> None:
    assert of(fake("a"), fake("microsoft/resnet-50")).find(name).name == "microsoft/resnet-50"


def test_short_form_of_two_models_finds_neither() -> None:
    with pytest.raises(ModelNotFound, match="there is no model 'cats' here; there is me/cats, you/cats"):
        of(fake("me/cats"), fake("you/cats")).find("cats")


def test_full_name_wins_over_a_short_form() -> None:
    assert of(fake("me/cats"), fake("cats")).find("cats").name == "cats"


def test_unknown_version_is_refused_with_those_there_are() -> None:
    with pytest.raises(ModelNotFound, match="a has no version '3' here; there is 1, 2"):
        of(fake("a", "1"), fake("a", "2")).find("a", "3")


def test_versions_get_requests_by_their_weights() -> None:
    random.seed(7)
    registry = Registry([(fake("a", "1"), 95.0), (fake("a", "2"), 5.0)])
    found = Counter(registry.find("a").version for _ in range(2000))
    assert 50 <= found["2"] <= 160 and found["1"] + found["2"] == 2000
    assert {registry.find("a", "2").version for _ in range(50)} == {"2"}


def test_registry_is_ready_when_all_models_are() -> None:
    assert of(fake("a"), fake("b")).ready
    assert not of(fake("a"), FakeClassifier(name="b", ready=False)).ready


def test_models_and_versions_are_loaded_from_the_store(tiny: Bundle, tmp_path: Path) -> None:
    copy(tiny, tmp_path / "tiny")
    copy(tiny, tmp_path / "other" / "1", name="other", labels=("rojo", "verde", "azul"))
    copy(tiny, tmp_path / "other" / "2", name="other", labels=("rouge", "vert", "bleu"))
    entries = (Entry("tiny", replicas=2), Entry("other", versions=(("1", 1.0), ("2", 0.0))))
    registry = load(Settings(models_dir=tmp_path, server_models=entries))
    found = {
        (each.name, each.version, each.description.replicas): best(
            each.classify([plain_image()], time.monotonic() + 60)
        )
        for each in registry.classifiers
    }
    assert found == {("tiny", "1", 2): "green", ("other", "1", 1): "verde", ("other", "2", 1): "vert"}
    assert {registry.find("other").version for _ in range(20)} == {"1"}


def best(answer: object) -> str:
    (outcome,) = answer.outcomes  # type: ignore[attr-defined]
    assert isinstance(outcome, Result)
    return outcome.top(1)[0].label


def test_two_bundles_of_one_name_are_refused(tiny: Bundle, tmp_path: Path) -> None:
    copy(tiny, tmp_path / "a")
    copy(tiny, tmp_path / "b")
    with pytest.raises(BundleError, match='two bundles are called tiny: give one of them a "name" of its own'):
        load(Settings(models_dir=tmp_path, server_models=(Entry("a"), Entry("b"))))
    registry = load(Settings(models_dir=tmp_path, server_models=(Entry("a"), Entry("b", "b"))))
    assert registry.names == ("tiny", "b")


def test_missing_bundle_of_several_is_named(tiny: Bundle, tmp_path: Path) -> None:
    copy(tiny, tmp_path / "tiny")
    with pytest.raises(BundleError, match=r"there is no bundle in .*nothing"):
        load(Settings(models_dir=tmp_path, server_models=(Entry("tiny"), Entry("nothing"))))
