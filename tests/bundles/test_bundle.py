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
from my_inference_app.bundles.bundle import MANIFEST, Bundle, InputSpec
from my_inference_app.errors import BundleError

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


def test_what_is_written_is_read(made: Bundle) -> None:
    assert bundle.read(made.path) == made
    assert made == replace(draft(made.path), files=made.files)
    assert set(made.files) == {"model.xml", "model.bin"}
    assert made.file("openvino") == made.path / "model.xml"


def test_the_origin_in_a_few_words(made: Bundle) -> None:
    assert made.origin == "hub me/model 1a2b3c"


def test_other_users_may_read_it(made: Bundle) -> None:
    assert made.path.stat().st_mode & 0o777 == 0o755
    assert all(item.stat().st_mode & 0o400 for item in made.path.iterdir())


def test_only_the_bundle_is_left_in_its_parent(made: Bundle) -> None:
    assert [item.name for item in made.path.parent.iterdir()] == ["one"]


def test_a_new_one_takes_the_place_of_the_old(made: Bundle) -> None:
    new = bundle.write(replace(draft(made.path), name="new"), lambda folder: (folder / "model.pt").touch())
    assert bundle.read(made.path) == new
    assert sorted(item.name for item in made.path.iterdir()) == [MANIFEST, "model.pt"]
    assert [item.name for item in made.path.parent.iterdir()] == ["one"]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_one_in_place(made: Bundle, error: BaseException) -> None:
    def fail(folder: Path) -> None:
        (folder / "model.xml").write_text("half of")
        raise error

    with pytest.raises(type(error)):
        bundle.write(draft(made.path), fail)
    with pytest.raises(type(error)):
        bundle.write(draft(made.path.with_name("two")), fail)
    assert bundle.read(made.path) == made
    assert made.file("openvino").read_text() == "<net/>"
    assert [item.name for item in made.path.parent.iterdir()] == ["one"]


def test_it_is_written_as_utf8_whatever_the_locale(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from my_inference_app.bundles.bundle import *\n"
        "spec = InputSpec((1, 1), None, 'box', (0.0,) * 3, (1.0,) * 3)\n"
        "write(Bundle(pathlib.Path(sys.argv[1]), 'x', {}, ('caf\\u00e9',), spec, ''), lambda folder: None)"
    )
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run([sys.executable, "-c", code, tmp_path / "x"], env=plain, check=True)
    assert bundle.read(tmp_path / "x").labels == ("café",)


def test_no_bundle(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(BundleError, match=f"^there is no bundle in {path}: make it with `make export`$"):
            bundle.read(path)


@pytest.mark.parametrize(
    "content",
    ["", "{", "nonsense", "\xff", "[]", "null", "1", "{}", '{"format": 2}', '{"format": "1"}', '{"format": 1}'],
)
def test_a_manifest_that_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_bytes(content.encode("latin-1"))
    with pytest.raises(BundleError, match=rf"^the bundle {tmp_path} is .*make it again"):
        bundle.read(tmp_path)


def test_a_manifest_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).mkdir()
    with pytest.raises(BundleError, match="damaged"):
        bundle.read(tmp_path)


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
        lambda data: data["labels"].append(None),
        lambda data: data["labels"].append(""),
        lambda data: data["files"].update({"../../etc/passwd": "0"}),
        lambda data: data["files"].update({"/etc/passwd": "0"}),
    ],
)
def test_a_damaged_manifest(made: Bundle, change: Callable[[dict[str, Any]], object]) -> None:
    file = made.path / MANIFEST
    data = json.loads(file.read_bytes())
    change(data)
    file.write_text(json.dumps(data))
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
def test_a_damaged_file(made: Bundle, spoil: Callable[[Path], object], reason: str) -> None:
    spoil(made.path / "model.bin")
    with pytest.raises(BundleError, match=f"is damaged: {reason}.*`make export`"):
        bundle.read(made.path).file("openvino")


def test_a_file_that_was_never_made(made: Bundle) -> None:
    with pytest.raises(
        BundleError, match=r"has no model\.pt for ENGINE=torch.*make export MODEL=me/model ENGINE=torch"
    ):
        made.file("torch")
