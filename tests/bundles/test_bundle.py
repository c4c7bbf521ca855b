"""Bundles that are written and read, and those that are damaged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import FORMAT, MANIFEST, Bundle, InputSpec
from my_inference_app.errors import BundleError
from tests.bundles.sealing import change_manifest

SPEC = InputSpec((224, 192), 256, "bicubic", (127.0, 127.0, 127.5), (128.0, 128.0, 1.0))


def draft(path: Path) -> Bundle:
    source = {"kind": "hub", "id": "me/model", "revision": "1a2b3c", "files": {"weights": "sha"}}
    return Bundle(path, "me/model", source, ("café, 'quoted'", "日本"), SPEC, "f16 weights", license="MIT")


def fill(folder: Path) -> None:
    (folder / "model.xml").write_text("<net/>")
    (folder / "model.bin").write_bytes(bytes(range(256)))


@pytest.fixture
def made(tmp_path: Path) -> Bundle:
    return bundle.write(draft(tmp_path / "models" / "one"), fill)


def test_written_bundle_is_read_back(made: Bundle) -> None:
    assert bundle.read(made.path) == made
    assert made == replace(draft(made.path), files=made.files)
    assert set(made.files) == {"model.xml", "model.bin"}
    made.verify("model.xml", "model.bin")


def test_origin_is_a_few_words(made: Bundle) -> None:
    assert made.origin == "hub me/model 1a2b3c"


def test_bundle_is_readable_for_other_users(made: Bundle) -> None:
    assert made.path.stat().st_mode & 0o777 == 0o755
    assert all(item.stat().st_mode & 0o400 for item in made.path.iterdir())


def test_manifest_is_written_as_utf8_in_any_locale(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from my_inference_app.bundles.bundle import *\n"
        "spec = InputSpec((1, 1), None, 'box', (0.0,) * 3, (1.0,) * 3)\n"
        "write(Bundle(pathlib.Path(sys.argv[1]), 'x', {}, ('caf\\u00e9',), spec, ''), lambda folder: None)"
    )
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run([sys.executable, "-c", code, tmp_path / "x"], env=plain, check=True)
    assert bundle.read(tmp_path / "x").labels == ("café",)
    assert "café" in (tmp_path / "x" / MANIFEST).read_text("utf-8"), "people can read it too"


def test_bundle_that_could_not_be_read_is_not_written(made: Bundle) -> None:
    with pytest.raises(BundleError, match=r"^a bundle of me/model cannot be written: the label of class 1 is empty$"):
        bundle.write(replace(draft(made.path), labels=("cat", "")), fill)
    assert bundle.read(made.path) == made


def test_absent_bundle_says_how_to_make_it(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(BundleError, match=f"^there is no bundle in {path}: make it with `make export`$"):
            bundle.read(path)


@pytest.mark.parametrize(
    "content", ["", "{", "nonsense", "\xff", "[]", "null", "1", "{}", '{"format": "2"}', '{"format": 2}', "[" * 99_999]
)
def test_manifest_of_another_kind_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_bytes(content.encode("latin-1"))
    with pytest.raises(BundleError, match=rf"^the bundle {tmp_path} is damaged: {MANIFEST}.*make it again"):
        bundle.read(tmp_path)


def test_manifest_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).mkdir()
    with pytest.raises(BundleError, match="damaged"):
        bundle.read(tmp_path)


@pytest.mark.parametrize(("number", "age"), [(FORMAT - 1, "an older"), (FORMAT + 1, "a newer")])
def test_bundle_of_another_version_says_to_make_it_again(made: Bundle, number: int, age: str) -> None:
    change_manifest(made.path, lambda data: data.update(format=number))
    said = f"^the bundle {made.path} was made by {age} version of this program: make it again with `make export`$"
    with pytest.raises(BundleError, match=said):
        bundle.read(made.path)


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data["labels"].reverse(),
        lambda data: data["input"]["mean"].reverse(),
        lambda data: data.update(name="another"),
        lambda data: data.pop("license"),
        lambda data: data.update(sha256="0" * 64),
        lambda data: data.pop("sha256"),
    ],
)
def test_edited_manifest_is_refused_in_one_line(made: Bundle, edit: Callable[[dict[str, Any]], object]) -> None:
    file = made.path / MANIFEST
    data = json.loads(file.read_bytes())
    edit(data)
    file.write_text(json.dumps(data))
    with pytest.raises(BundleError, match=f"{MANIFEST} was changed after it was written.*`make export`$") as caught:
        bundle.read(made.path)
    assert "\n" not in str(caught.value)


def test_manifest_with_another_layout_is_read(made: Bundle) -> None:
    file = made.path / MANIFEST
    data = json.loads(file.read_bytes())
    file.write_text(json.dumps(dict(reversed(data.items())), indent=7))
    assert bundle.read(made.path) == made


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("labels"),
        lambda data: data.pop("input"),
        lambda data: data.pop("name"),
        lambda data: data.pop("files"),
        lambda data: data.update(labels=[]),
        lambda data: data.update(labels=3),
        lambda data: data.update(input=[224, 224]),
        lambda data: data["input"].pop("size"),
        lambda data: data["input"].update(colour="bgr"),
        lambda data: data.update(surplus=1),
        lambda data: data.update(path="/etc"),
        lambda data: data.update(name=None),
        lambda data: data.update(name=5),
        lambda data: data.update(labels="cat"),
        lambda data: data.update(labels=["cat", 5]),
        lambda data: data["labels"].append(None),
        lambda data: data["labels"].append(""),
        lambda data: data.update(source="hub"),
        lambda data: data.update(files=["model.xml"]),
        lambda data: data.update(license=5),
        lambda data: data.update(created=None),
        lambda data: data["input"].update(size=224),
        lambda data: data["input"].update(size=[224]),
        lambda data: data["input"].update(size=["224", "224"]),
        lambda data: data["input"].update(size=[0, 224]),
        lambda data: data["input"].update(size=[1e9, 1e9]),
        lambda data: data["input"].update(size=[10**9, 10**9]),
        lambda data: data["input"].update(shortest_edge="256"),
        lambda data: data["input"].update(shortest_edge=-1),
        lambda data: data["input"].update(interpolation=3),
        lambda data: data["input"].update(mean=[0.0]),
        lambda data: data["input"].update(mean=[0.0, 0.0, None]),
        lambda data: data["input"].update(mean=[0.0, 0.0, float("nan")]),
        lambda data: data["input"].update(mean=[0.0, 0.0, 10**400]),
        lambda data: data["input"].update(std=[1.0, 1.0, 0.0]),
        lambda data: data["input"].update(std=[1.0, 1.0, -1.0]),
        lambda data: data["input"].update(std=[1.0, 1.0, float("inf")]),
        lambda data: data["input"].update(std=[True, True, True]),
        lambda data: data.update(features=5),
        lambda data: data.update(features={"size": [7, 7]}),
        lambda data: data.update(features={"size": [7, 0], "channels": 1280}),
        lambda data: data.update(features={"size": [7, 7], "channels": "many"}),
        lambda data: data.update(features={"size": [7, 7], "channels": 1280}),  # without the head's file
        lambda data: data["files"].update({"../../etc/passwd": "0"}),
        lambda data: data["files"].update({"/etc/passwd": "0"}),
    ],
)
def test_manifest_with_unusable_values_is_refused(made: Bundle, change: Callable[[dict[str, Any]], object]) -> None:
    change_manifest(made.path, change)
    with pytest.raises(BundleError, match=f"^the bundle {made.path} is damaged: {MANIFEST}: .*make it again"):
        bundle.read(made.path)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda file: file.unlink(), "model.bin: No such file"),
        (lambda file: file.write_bytes(b""), "model.bin has another checksum"),
        (lambda file: file.write_bytes(file.read_bytes()[:-1] + b"\0"), "model.bin has another checksum"),
    ],
)
def test_damaged_file_is_refused(made: Bundle, spoil: Callable[[Path], object], reason: str) -> None:
    spoil(made.path / "model.bin")
    found = bundle.read(made.path)
    found.verify("model.xml")
    with pytest.raises(BundleError, match=f"is damaged: {reason}.*`make export`"):
        found.verify("model.xml", "model.bin")
