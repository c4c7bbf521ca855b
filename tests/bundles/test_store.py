"""The store: which bundles are found for which model and version."""

from __future__ import annotations

from pathlib import Path

import pytest

from my_inference_app.bundles.bundle import MANIFEST, Bundle, InputSpec, write
from my_inference_app.bundles.store import (
    TAUGHT,
    TEACH_CACHE,
    Place,
    bundle_name,
    full_name,
    has_versions,
    places,
    versions_in,
)
from my_inference_app.errors import BundleError
from my_inference_app.settings import Settings
from my_inference_app.settings.server_models import Entry


def stored(*folders: Path) -> None:
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / MANIFEST).touch()


def test_plain_folder_is_version_1(tmp_path: Path) -> None:
    stored(tmp_path / "a")
    assert versions_in(tmp_path / "a") == {"1": tmp_path / "a"}
    assert not has_versions(tmp_path / "a")


def test_versions_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    stored(*(tmp_path / "a" / name for name in ("10", "9", "2", "0", "03", "x", "draft")))
    (tmp_path / "a" / "11").mkdir()  # not a bundle
    assert list(versions_in(tmp_path / "a")) == ["2", "9", "10"]
    assert has_versions(tmp_path / "a")


def test_one_model_is_served_in_its_newest_version(tmp_path: Path) -> None:
    stored(tmp_path / "a" / "1", tmp_path / "a" / "2")
    expected = [Place(tmp_path / "a" / "2", version="2")]
    assert places(Settings(models_dir=tmp_path, model="a")) == expected
    assert places(Settings(bundle=str(tmp_path / "a"))) == expected


def test_several_models_are_served_in_the_versions_named(tmp_path: Path) -> None:
    stored(tmp_path / "microsoft--resnet-50", tmp_path / "a" / "1", tmp_path / "a" / "2", tmp_path / "a" / "3")
    entries = (Entry("resnet-50", replicas=2), Entry("a", "mine", versions=(("1", 95.0), ("3", 5.0))))
    assert places(Settings(models_dir=tmp_path, server_models=entries)) == [
        Place(tmp_path / "microsoft--resnet-50", replicas=2),
        Place(tmp_path / "a" / "1", "mine", "1", weight=95.0),
        Place(tmp_path / "a" / "3", "mine", "3", weight=5.0),
    ]


def test_version_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    stored(tmp_path / "a" / "1", tmp_path / "a" / "2")
    with pytest.raises(BundleError, match="a has no version 7; there is 1, 2"):
        places(Settings(models_dir=tmp_path, server_models=(Entry("a", versions=(("7", 1.0),)),)))


@pytest.mark.parametrize(
    ("model", "full"),
    [("resnet-50", "microsoft/resnet-50"), ("resnet-152", "microsoft/resnet-152"), ("my-cats", "my-cats")],
)
def test_short_name_stands_for_a_hub_id(model: str, full: str) -> None:
    assert full_name(model) == full
    assert bundle_name(model) == full.replace("/", "--")


def made(path: Path, kind: str) -> None:
    spec = InputSpec((32, 32), None, "bilinear", (0.0,) * 3, (255.0,) * 3)
    write(Bundle(path, path.parent.name, {"kind": kind}, ("a", "b"), spec, "f16 weights"), lambda _: None)


def test_taught_models_are_served_beside_those_that_are_named(tmp_path: Path) -> None:
    stored(tmp_path / "named", tmp_path / "damaged" / "1")
    made(tmp_path / "other" / "1", "test")
    for version in ("1", "2"):
        made(tmp_path / "cats" / version, TAUGHT)
    named, cats = Place(tmp_path / "named"), Place(tmp_path / "cats" / "2", version="2")
    assert places(Settings(models_dir=tmp_path, model="named")) == [named]
    assert places(Settings(models_dir=tmp_path, model="named", teach=True)) == [named, cats]
    assert places(Settings(models_dir=tmp_path, model="cats", teach=True)) == [cats]
    pinned = (Entry("named"), Entry("cats", versions=(("1", 1.0),)))
    found = places(Settings(models_dir=tmp_path, server_models=pinned, teach=True))
    assert found == [named, Place(tmp_path / "cats" / "1")], "the settings have named it already"


def test_names_in_stores_that_exist_stay() -> None:
    assert (TEACH_CACHE, TAUGHT) == (".teach-cache", "taught")
