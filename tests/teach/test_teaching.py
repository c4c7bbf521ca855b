"""From photos to a bundle that is served like any other."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from my_inference_app.bundles import bundle as bundles
from my_inference_app.bundles.bundle import MANIFEST
from my_inference_app.errors import SetupError
from my_inference_app.inference.answers import Detail, Result
from my_inference_app.inference.explain import activation
from my_inference_app.inference.model_classifier import ModelClassifier
from my_inference_app.settings import Settings
from my_inference_app.teach.job import Job, run
from tests.live.service import running
from tests.teach import photos


def results(report: dict[str, Any], settings: Settings, images: list[bytes]) -> list[Result]:
    classifier = ModelClassifier(bundles.read(Path(report["bundle"])), settings)
    answer = classifier.classify(images, time.monotonic() + 60, detail=Detail.FEATURES)
    return [outcome for outcome in answer.outcomes if isinstance(outcome, Result)]


@pytest.mark.parametrize("engine", ["openvino", "torch"])
def test_taught_bundle_knows_photos_that_it_has_not_seen(report: dict[str, Any], engine: str) -> None:
    unseen = [photos.photo(label, 11) for label in photos.CLASSES]
    found = results(report, Settings(engine=engine), unseen)
    assert [result.top(1)[0].label for result in found] == list(photos.CLASSES)


def test_map_of_taught_class_leads_to_its_logit(report: dict[str, Any]) -> None:
    (result,) = results(report, Settings(precision="f32"), [photos.photo("cats", 12)])
    assert result.seen and result.seen.features
    head = result.seen.features.head
    for class_id, logit in enumerate(result.logits):
        assert np.isclose(activation(result, class_id).mean() + head.bias[class_id], logit, atol=1e-3)


def test_bundle_says_what_it_was_taught_with(report: dict[str, Any], efficientnet: Path) -> None:
    made, parent = bundles.read(Path(report["bundle"])), bundles.read(efficientnet)
    assert (made.name, made.labels, report["version"]) == ("things", tuple(photos.CLASSES), "1")
    assert (made.source["kind"], made.source["parent"]) == ("taught", "efficientnet-lite0")
    assert (made.input, made.license, made.features) == (parent.input, parent.license, parent.features)
    assert made.taught and made.taught["accuracy"] == report["accuracy"]
    assert max(made.agreement["features"].values()) < 1e-3


def test_taught_bundle_with_enough_photos_is_calibrated(settings: Settings, tmp_path: Path) -> None:
    taught = run(Job(photos.write(tmp_path, 8), "calibrated-things"), settings)
    doubt = bundles.read(Path(taught["bundle"])).doubt
    assert doubt and doubt["photos"] == 24 and doubt["temperature"] > 0
    (result,) = results(taught, settings, [photos.photo("cats", 12)])
    doubts = result.doubts()
    assert doubts and "cats" in doubts.labels and doubts.is_familiar


def test_taught_bundle_with_few_photos_is_not_calibrated(report: dict[str, Any], settings: Settings) -> None:
    assert bundles.read(Path(report["bundle"])).doubt is None
    (result,) = results(report, settings, [photos.photo("cats", 12)])
    assert result.doubts() is None


def test_same_photos_give_the_same_bundle(
    report: dict[str, Any], settings: Settings, lessons: Path, tmp_path: Path
) -> None:
    (tmp_path / "efficientnet-lite0").symlink_to((settings.models_dir / "efficientnet-lite0").resolve())
    again = run(Job(lessons, "things"), replace(settings, models_dir=tmp_path))
    first, second = (bundles.read(Path(one["bundle"])) for one in (report, again))
    assert first.files == second.files
    assert (first.path / MANIFEST).read_bytes() == (second.path / MANIFEST).read_bytes()


@pytest.mark.usefixtures("report")
def test_same_photos_again_make_no_new_version(settings: Settings, lessons: Path) -> None:
    assert run(Job(lessons, "things"), settings)["version"] == "1"
    assert not (settings.models_dir / "things" / "2").exists()


@pytest.mark.usefixtures("report")
def test_estimate_writes_no_bundle(settings: Settings, tmp_path: Path) -> None:
    estimate = run(Job(photos.write(tmp_path, 5, first=1), "things", estimate=True), settings)
    assert (estimate["bundle"], estimate["version"]) == (None, None)
    assert not (settings.models_dir / "things" / "2").exists()


def test_more_photos_make_the_next_version(
    report: dict[str, Any], settings: Settings, lessons: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = shutil.copytree(lessons, tmp_path / "more")
    (more / "cats" / "new.jpg").write_bytes(photos.photo("cats", 17))
    (more / "lamps").mkdir()
    for number in range(2):
        (more / "lamps" / f"{number}.jpg").write_bytes(photos.photo("cameras", 20 + number))
    following = run(Job(more, "things"), settings)
    assert "computing 3 photos, 15 are known" in capsys.readouterr().err
    assert following["version"] == "2"
    comparison = following["comparison"]
    assert (comparison["version"], comparison["photos"]) == ("1", 1)  # of a class that version 1 knows
    unseen = [photos.photo("cups", 13)]
    for version in (report, following):
        assert results(version, settings, unseen)[0].top(1)[0].label == "cups"
    shutil.rmtree(following["bundle"])


def test_model_that_was_not_taught_is_not_replaced(settings: Settings, lessons: Path, tmp_path: Path) -> None:
    (tmp_path / "efficientnet-lite0").symlink_to((settings.models_dir / "efficientnet-lite0").resolve())
    store = replace(settings, models_dir=tmp_path)
    with pytest.raises(SetupError, match="was not taught"):
        run(Job(lessons, "efficientnet-lite0"), store)
    (tmp_path / "org").mkdir()
    (tmp_path / "org" / "1").symlink_to(tmp_path / "efficientnet-lite0")
    with pytest.raises(SetupError, match="was not taught"):
        run(Job(lessons, "org"), store)


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a\n", "-n", "x" * 65])
def test_name_that_is_no_name_of_a_folder_is_refused(settings: Settings, lessons: Path, name: str) -> None:
    with pytest.raises(SetupError, match="cannot be the name of a model"):
        run(Job(lessons, name), settings)


@pytest.mark.usefixtures("report")
def test_version_that_is_there_is_not_replaced(settings: Settings, lessons: Path) -> None:
    with pytest.raises(SetupError, match="has a version 1 already"):
        run(Job(lessons, "things", version="1"), settings)


@pytest.mark.usefixtures("report")
def test_taught_model_is_served_by_its_name(settings: Settings, tmp_path: Path) -> None:
    with running(tmp_path / "log", MODEL="things", MODELS_DIR=settings.models_dir, WORKERS=1) as service:
        answer = requests.post(f"{service.url}/predict?explain=1", data=photos.photo("cameras", 14), timeout=60).json()
    assert (answer["model"], answer["response"]["body"]) == ("things", '"cameras"')
