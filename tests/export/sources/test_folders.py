"""Folders in hub format. One that is not an image classifier, or cannot be trusted, is refused with one line."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from my_inference_app.bundles import bundle
from my_inference_app.errors import SourceError
from my_inference_app.export.input_options import CLASSIC, STRETCH, InputOptions
from my_inference_app.export.options import Options
from my_inference_app.export.plan import Plan, run
from tests.export.conftest import Make
from tests.export.malicious import Malicious

CODE = """
from pathlib import Path
Path({!r}).touch()
"""


@pytest.fixture
def folder(saved: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of a good model, to be damaged."""
    return shutil.copytree(saved("resnet"), tmp_path / "mine")


def edit(file: Path, **values: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def without_head(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({name: data for name, data in weights.items() if "classifier" not in name}, folder / "model.safetensors")


def with_another_head(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["classifier.1.weight"] = torch.zeros(3, 16)
    save_file(weights, folder / "model.safetensors")


def cut_short(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def replace_weights(folder: Path, name: str) -> None:
    (folder / "model.safetensors").rename(folder / name)


DAMAGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a base model": (
        without_head,
        r"mine is not a complete image classifier: 2 weights are missing or have another shape \(classifier",
    ),
    "another head": (
        with_another_head,
        r"mine is not a complete image classifier: 1 weights are missing or have another shape \(classifier",
    ),
    "a text model": (
        lambda folder: edit(folder / "config.json", model_type="bert"),
        "mine is not an image classifier: its model type is bert",
    ),
    "an unknown family": (
        lambda folder: edit(folder / "config.json", model_type="resnext3000"),
        "mine cannot be loaded as an image classifier: .*resnext3000",
    ),
    "truncated weights": (cut_short, "mine cannot be loaded as an image classifier: .*header"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "mine has no weights"),
    "weights of another library": (lambda folder: replace_weights(folder, "tf_model.h5"), "mine has no weights"),
    "no configuration": (lambda folder: (folder / "config.json").unlink(), r"mine .*config\.json"),
    "a broken configuration": (
        lambda folder: (folder / "config.json").write_text("{"),
        r"mine cannot be loaded as an image classifier: .*config\.json",
    ),
    "classes from 1": (
        lambda folder: edit(folder / "config.json", id2label={str(index): "x" for index in range(1, 8)}),
        "mine does not number its classes from 0",
    ),
    "a broken processor": (
        lambda folder: (folder / "preprocessor_config.json").write_text("{"),
        r"the preprocessor_config\.json of mine cannot be used: ",
    ),
    "an unknown processor": (
        lambda folder: edit(folder / "preprocessor_config.json", image_processor_type="NobodysImageProcessor"),
        r"the preprocessor_config\.json of mine cannot be used: .*",
    ),
    "a processor that cannot be served": (
        lambda folder: edit(folder / "preprocessor_config.json", image_processor_type="TextNetImageProcessor"),
        "mine cannot be served: its TextNetImageProcessorPil is not supported",
    ),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGED.values(), ids=DAMAGED)
def test_unsuitable_folder_is_refused_and_the_older_bundle_kept(
    damage: Callable[[Path], object], message: str, folder: Path, make: Make
) -> None:
    older = folder.parent / "models" / "mine" / "bundle.json"
    older.parent.mkdir(parents=True)
    older.write_text("older")
    damage(folder)
    with pytest.raises(SourceError, match=rf"^{message}") as caught:
        make(folder)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300
    assert [path.name for path in older.parent.parent.iterdir()] == ["mine"]
    assert older.read_text() == "older"


def test_a_pickle_with_code_in_it_is_refused_and_not_run(folder: Path, make: Make, tmp_path: Path) -> None:
    (folder / "model.safetensors").unlink()
    proof = tmp_path / "executed"
    torch.save({"classifier.1.bias": Malicious(proof)}, folder / "pytorch_model.bin")
    with pytest.raises(SourceError, match=r"^mine cannot be loaded as an image classifier: "):
        make(folder)
    assert not proof.exists()


OWN_CODE = {
    "configuration": ("config.json", {"model_type": "own", "auto_map": {"AutoConfig": "code.Own"}}),
    "processor": (
        "preprocessor_config.json",
        {"image_processor_type": "Own", "auto_map": {"AutoImageProcessor": "code.Own"}},
    ),
}


@pytest.mark.parametrize(("file", "values"), OWN_CODE.values(), ids=OWN_CODE)
def test_code_that_comes_with_a_model_is_not_run(
    file: str, values: dict[str, Any], folder: Path, make: Make, tmp_path: Path
) -> None:
    proof = tmp_path / "executed"
    (folder / "code.py").write_text(CODE.format(str(proof)))
    edit(folder / file, **values)
    with pytest.raises(SourceError, match=r"contains custom code which must be executed"):
        make(folder)
    assert not proof.exists()


def test_pickled_weights_are_exported(folder: Path, make: Make) -> None:
    weights = folder / "model.safetensors"
    torch.save(load_file(weights), folder / "pytorch_model.bin")
    weights.unlink()
    assert "pytorch_model.bin" in make(folder).source["files"]


def test_weights_in_several_files_are_exported(folder: Path, make: Make) -> None:
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    parts = {f"model-0000{number}-of-00002.safetensors": list(weights)[number - 1 :: 2] for number in (1, 2)}
    for name, keys in parts.items():
        save_file({key: weights[key] for key in keys}, folder / name, metadata={"format": "pt"})
    index = {"metadata": {}, "weight_map": {key: name for name, keys in parts.items() for key in keys}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert set(parts) <= set(make(folder).source["files"])


def test_folder_without_a_processor_says_which_flags_to_give(folder: Path, make: Make) -> None:
    (folder / "preprocessor_config.json").unlink()
    message = "nothing tells how images are prepared for mine: give --size --resize --mean --std (for most models of"
    with pytest.raises(SourceError, match=f"^{re.escape(message)}"):
        make(folder)


def test_folder_without_a_processor_is_prepared_as_the_flags_say(folder: Path, tmp_path: Path) -> None:
    (folder / "preprocessor_config.json").unlink()
    plan = Plan(Options(str(folder), input=CLASSIC), tmp_path / "models", ("openvino",), if_missing=True)
    made = bundle.read(run(plan))
    assert made.input == CLASSIC.spec("a test")
    assert made.name == f"mine:input-{CLASSIC.digest}"
    assert made.path.name == f"mine--input-{CLASSIC.digest}"
    assert bundle.read(run(plan)).created == made.created


def test_flags_for_a_folder_with_a_processor_are_refused(folder: Path, tmp_path: Path) -> None:
    options = Options(str(folder), input=InputOptions(resize=STRETCH))
    message = r"^mine:input-\w+ itself says how images are prepared for it: leave --resize out$"
    with pytest.raises(SourceError, match=message):
        run(Plan(options, tmp_path / "models", ("openvino",)))


def test_current_folder_gives_the_bundle_its_name(folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert (make(".").name, make(".").path.name) == ("mine", "mine")


def test_if_missing_exports_a_changed_folder_again(folder: Path, tmp_path: Path) -> None:
    plan = Plan(Options(str(folder)), tmp_path / "models", ("openvino",), if_missing=True)
    first = bundle.read(run(plan))
    assert bundle.read(run(plan)).created == first.created
    edit(folder / "config.json", id2label={str(index): f"new {index}" for index in range(len(first.labels))})
    assert bundle.read(run(plan)).labels[0] == "new 0"
