"""Every way a bundle can be broken, and what is said about it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import MANIFEST, Bundle

Breakage = tuple[Callable[[Path], object], str]


def copy(original: Bundle, place: Path, **changes: Any) -> Bundle:
    """The bundle, with something else about it, in a place that may hold another one."""

    def fill(folder: Path) -> None:
        for name in original.files:
            shutil.copy(original.path / name, folder / name)

    return bundle.write(replace(original, path=place, **changes), fill)


def _manifest(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        data = json.loads((folder / MANIFEST).read_bytes())
        change(data)
        (folder / MANIFEST).write_text(json.dumps(data))

    return spoil


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
    "a newer format": (_manifest(lambda data: data.update(format=2)), "is not of format 1"),
    "a name that is none": (_manifest(lambda data: data.update(name=5)), "name has the wrong type"),
    "no labels": (_manifest(lambda data: data.pop("labels")), "labels"),
    "labels in one text": (_manifest(lambda data: data.update(labels="red")), "labels has the wrong type"),
    "too few labels": (_manifest(lambda data: data["labels"].pop()), "2 labels for 3 classes"),
    "a size in words": (_manifest(lambda data: data["input"].update(size="large")), "input.size"),
    "a strange resizing": (_manifest(lambda data: data["input"].update(interpolation="magic")), "with 'magic'"),
    "a file elsewhere": (_manifest(lambda data: data["files"].update({"../x": ""})), "a file lies outside the bundle"),
    "no weights": (lambda folder: (folder / "model.bin").unlink(), "damaged: model.bin: No such file"),
    "half the weights": (_cut("model.bin"), "model.bin has another checksum"),
    "a flipped bit": (_flip("model.bin"), "model.bin has another checksum"),
    "half the model": (_cut("model.xml"), "model.xml has another checksum"),
}
