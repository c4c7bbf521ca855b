"""What a bundle is: one model's folder, ready to be served. Knows no framework."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import BundleError
from . import manifest

FORMAT = 1
MANIFEST = "bundle.json"

# The file that must be there for an engine, and those that belong to it.
ENGINE_FILES = {"openvino": ("model.xml", "model.bin"), "torch": ("model.pt",)}


@dataclass(frozen=True)
class InputSpec:
    """How a picture becomes the model's input: resize, then cut out the centre.

    Either the shorter side is resized to `shortest_edge`, or the picture to `size` whatever its shape.
    `mean` and `std` are in units of the 0 to 255 pixel values and are applied inside the model's graph.
    """

    size: tuple[int, int]
    """Height and width the model takes."""
    shortest_edge: int | None
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Bundle:
    path: Path
    name: str
    source: dict[str, Any]
    labels: tuple[str, ...]
    input: InputSpec
    precision: str
    license: str | None = None
    agreement: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    """File name to sha256."""
    created: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """Where the weights come from, in a few words: `hub microsoft/resnet-50 1a2b3c`."""
        return " ".join(value for value in self.source.values() if isinstance(value, str))

    def file(self, engine: str) -> Path:
        """The model file for an engine, its checksums verified."""
        for name in ENGINE_FILES[engine]:
            if name not in self.files:
                raise BundleError(
                    f"the bundle {self.path} has no {name} for ENGINE={engine}: "
                    f"make it with `make export MODEL={self.name} ENGINE={engine}`"
                )
            self._verify(name)
        return self.path / ENGINE_FILES[engine][0]

    def _verify(self, name: str) -> None:
        try:
            found = sha256(self.path / name)
        except OSError as error:
            raise BundleError(
                f"the bundle {self.path} is damaged: {name}: {error.strerror}; make it again with `make export`"
            ) from None
        if found != self.files[name]:
            raise BundleError(
                f"the bundle {self.path} is damaged: {name} has another checksum; make it again with `make export`"
            )


def read(path: Path) -> Bundle:
    """Reads a bundle's manifest; its files are verified when they are asked for."""
    try:
        data = json.loads((path / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise BundleError(f"there is no bundle in {path}: make it with `make export`") from None
    except (OSError, ValueError) as error:
        raise BundleError(f"the bundle {path} is damaged: {MANIFEST}: {error}; make it again") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise BundleError(f"the bundle {path} is not of format {FORMAT}: make it again with `make export`")
    try:
        return _parse(path, data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(f"the bundle {path} is damaged: {MANIFEST}: {error!r}; make it again") from None


def _parse(path: Path, data: dict[str, Any]) -> Bundle:
    manifest.check(data)
    values = {key: value for key, value in data.items() if key != "format"}
    spec: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.pop("input").items()
    }
    return Bundle(path=path, labels=tuple(values.pop("labels")), input=InputSpec(**spec), **values)


def write(bundle: Bundle, fill: Callable[[Path], None]) -> Bundle:
    """Writes a bundle: `fill` puts the files into a new folder, which then takes the place of the old.

    A reader sees the old bundle or the new one, never half of one, and a failure leaves the old in place.
    """
    bundle.path.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{bundle.path.name}-", dir=bundle.path.parent))
    try:
        fill(scratch)
        files = {item.name: sha256(item) for item in sorted(scratch.iterdir())}
        written = replace(bundle, files=files)
        content = {"format": FORMAT, **asdict(written)}
        del content["path"]
        (scratch / MANIFEST).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
        scratch.chmod(0o755)
        _put_in_place(scratch, bundle.path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return written


def _put_in_place(new: Path, place: Path) -> None:
    if place.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{place.name}-old-", dir=place.parent))
        place.rename(old / place.name)
        new.rename(place)
        shutil.rmtree(old)
    else:
        new.rename(place)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
