"""The short bundle.json beside a pipeline.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import Bundle, InputSpec
from my_inference_app.bundles.store import bundle_dir, folder_of, places
from my_inference_app.errors import BundleError
from my_inference_app.inference.registry import load
from my_inference_app.settings import Settings
from my_inference_app.settings.server_models import Entry
from tests.pipelines import SHORT, pipeline


def test_short_manifest_is_completed(tmp_path: Path) -> None:
    found = bundle.read(pipeline(tmp_path / "mine"))
    assert (found.name, found.labels, found.license) == ("mine", ("red", "green", "blue"), None)
    assert found.input == InputSpec((32, 32), None, "bilinear", (0.0,) * 3, (1.0,) * 3)
    assert found.origin == "python pipeline.py"
    found.verify("pipeline.py")


def test_short_manifest_may_say_more(tmp_path: Path) -> None:
    spec = {"size": [30, 20], "shortest_edge": 40, "interpolation": "bicubic"}
    found = bundle.read(pipeline(tmp_path, name="colours", license="MIT", input=spec))
    assert (found.name, found.license) == ("colours", "MIT")
    assert (found.input.size, found.input.shortest_edge, found.input.interpolation) == ((30, 20), 40, "bicubic")


def test_changed_pipeline_is_another_bundle(tmp_path: Path) -> None:
    before = bundle.read(pipeline(tmp_path))
    assert bundle.read(pipeline(tmp_path, "return None")) != before
    with pytest.raises(BundleError, match="another checksum"):
        before.verify("pipeline.py")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": ["red", ""]}, "the label of class 1 is empty"),
        ({"labels": "red"}, "labels has the wrong type"),
        ({"input": 224}, "input is not an object"),
        ({"input": {}}, "'size' is missing"),
        ({"input": {"size": 224}}, "input.size is not a height and a width"),
        ({"input": {"size": [224, 224], "mean": [1, 2, 3]}}, "'mean' is not a key of input"),
        ({"label": []}, "'label' is not a key"),
        ({"name": 1}, "name has the wrong type"),
        ({"format": 2}, "that of an exported bundle"),
        ({"files": {"x": "y"}}, "'files' is not a key"),
    ],
)
def test_unusable_short_manifest_is_one_line(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    folder = pipeline(tmp_path, **change)
    with pytest.raises(BundleError, match=rf"^{folder / 'bundle.json'} cannot be used: .*{reason}.*write it like"):
        bundle.read(folder)


@pytest.mark.parametrize("content", ["", "{", "nonsense", "[" * 99_999, "[]", "null"])
def test_malformed_short_manifest_is_one_line(tmp_path: Path, content: str) -> None:
    (pipeline(tmp_path) / "bundle.json").write_text(content)
    with pytest.raises(BundleError, match="write it like") as caught:
        bundle.read(tmp_path)
    assert "\n" not in str(caught.value) and "make export" not in str(caught.value)


def test_pipeline_without_manifest_says_how_to_write_it(tmp_path: Path) -> None:
    (pipeline(tmp_path) / "bundle.json").unlink()
    with pytest.raises(BundleError, match="write one like") as caught:
        bundle.read(tmp_path)
    example = str(caught.value).partition("write one like ")[2]
    (tmp_path / "bundle.json").write_text(example)
    assert bundle.read(tmp_path).labels == tuple(json.loads(example)["labels"])


def test_version_of_a_pipeline_has_the_name_of_its_model(tmp_path: Path) -> None:
    for number in (1, 2):
        pipeline(tmp_path / "mine" / str(number))
    settings = Settings(models_dir=tmp_path, server_models=(Entry("mine"),))
    (place,) = places(settings)
    assert (place.folder, place.version) == (tmp_path / "mine" / "2", "2")
    assert bundle.read(place.folder).name == "mine"


def test_precision_is_no_part_of_the_folder_of_a_pipeline(tmp_path: Path) -> None:
    mine = pipeline(tmp_path / "mine")
    settings = Settings(models_dir=tmp_path, model="mine", precision="int8")
    assert bundle_dir(settings) == folder_of(settings, "mine") == mine
    assert folder_of(settings, "other") == tmp_path / "other--int8"


def test_python_beside_an_exported_bundle_is_refused_and_not_run(tmp_path: Path) -> None:
    spec = InputSpec((1, 1), None, "box", (0.0,) * 3, (1.0,) * 3)
    folder = bundle.write(Bundle(tmp_path / "downloaded", "x", {}, ("a",), spec, ""), lambda _: None).path
    (folder / "pipeline.py").write_text(f"open({str(tmp_path / 'was run')!r}, 'w')")
    with pytest.raises(BundleError, match="that of an exported bundle, and a pipeline"):
        load(Settings(bundle=str(folder)))
    assert not (tmp_path / "was run").exists()


def test_short_manifest_needs_a_pipeline(tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text(json.dumps(SHORT))
    with pytest.raises(BundleError, match="is not the description of a bundle"):
        bundle.read(tmp_path)
