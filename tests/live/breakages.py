"""Ways a bundle can be broken, and the reason that is given."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import MANIFEST, Bundle
from tests.bundles.sealing import change_manifest

Breakage = tuple[Callable[[Path], object], str]


def copy(original: Bundle, place: Path, **changes: Any) -> Bundle:
    """The bundle with changes, in a place that may hold another one."""

    def fill(folder: Path) -> None:
        for name in original.files:
            shutil.copy(original.path / name, folder / name)

    return bundle.write(replace(original, path=place, **changes), fill)


def _manifest(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    return lambda folder: change_manifest(folder, change)


def _edit(folder: Path) -> None:
    data = json.loads((folder / MANIFEST).read_bytes())
    data["labels"].reverse()
    (folder / MANIFEST).write_text(json.dumps(data))


def _cut(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: len(data) // 2])

    return spoil


def _flip(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)

    return spoil


BREAKAGES: dict[str, Breakage] = {
    "no folder": (shutil.rmtree, "there is no bundle in"),
    "no manifest": (lambda folder: (folder / MANIFEST).unlink(), "there is no bundle in"),
    "half a manifest": (_cut(MANIFEST), f"damaged: {MANIFEST}"),
    "not JSON": (lambda folder: (folder / MANIFEST).write_text("a model"), f"damaged: {MANIFEST}"),
    "an older format": (_manifest(lambda data: data.update(format=1)), "made by an older version of this program"),
    "a newer format": (_manifest(lambda data: data.update(format=3)), "made by a newer version of this program"),
    "edited by hand": (_edit, f"{MANIFEST} was changed after it was written"),
    "a name that is a number": (_manifest(lambda data: data.update(name=5)), "name has the wrong type"),
    "without labels": (_manifest(lambda data: data.pop("labels")), "labels"),
    "labels in one text": (_manifest(lambda data: data.update(labels="red")), "labels has the wrong type"),
    "too few labels": (_manifest(lambda data: data["labels"].pop()), "2 labels for 3 classes"),
    "an empty label": (_manifest(lambda data: data["labels"].__setitem__(1, "")), "the label of class 1 is empty"),
    "a size that the model does not take": (
        _manifest(lambda data: data["input"].update(size=[10, 10])),
        "cannot compute 1 image(s) of 10x10 pixels",
    ),
    "a deviation of zero": (_manifest(lambda data: data["input"].update(std=[1, 1, 0])), "input.std"),
    "a size in words": (_manifest(lambda data: data["input"].update(size="large")), "input.size"),
    "a strange resizing": (_manifest(lambda data: data["input"].update(interpolation="magic")), "with 'magic'"),
    "a file elsewhere": (_manifest(lambda data: data["files"].update({"../x": ""})), "a file lies outside the bundle"),
    "no weights": (lambda folder: (folder / "model.bin").unlink(), "damaged: model.bin: No such file"),
    "half the weights": (_cut("model.bin"), "model.bin has another checksum"),
    "a flipped bit": (_flip("model.bin"), "model.bin has another checksum"),
    "half the model": (_cut("model.xml"), "model.xml has another checksum"),
}
