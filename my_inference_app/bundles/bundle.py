"""A bundle: the folder of one model, ready to be served. Independent of any framework."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from ..errors import BundleError
from . import manifest, own_python
from .replace import put_in_place

FORMAT = 2
MANIFEST = "bundle.json"
HEAD = manifest.HEAD
_AGAIN = "make it again with `make export`"
_MOST_REPLACEMENTS = 100

T = TypeVar("T")


@dataclass(frozen=True)
class InputSpec:
    """How an image becomes the model's input: it is resized, then its centre is cut out.

    Either the shorter side is resized to `shortest_edge`, or the image to `size`, whatever its shape.
    `mean` and `std` are in units of the 0 to 255 pixel values and are applied inside the model's graph.
    """

    size: tuple[int, int]
    """Height and width the model takes."""
    shortest_edge: int | None
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class FeatureSpec:
    """The last feature map, the model's second output. `head.npz` has the weights that lead from it to the logits."""

    size: tuple[int, int]
    """Height and width of the map."""
    channels: int


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
    features: FeatureSpec | None = None
    taught: dict[str, Any] | None = None
    """How good it is, if it was taught from photos."""
    doubt: dict[str, Any] | None = None
    """Of a calibrated bundle: its temperature, its coverage, and how it was calibrated."""

    @property
    def origin(self) -> str:
        """Where the weights come from, in a few words: `hub microsoft/resnet-50 1a2b3c`."""
        return " ".join(value for value in self.source.values() if isinstance(value, str))

    @property
    def remedy(self) -> str:
        """What helps if the model does not work."""
        return own_python.REMEDY if own_python.FILE in self.files else _AGAIN

    @property
    def identity(self) -> str:
        """A checksum of all that its results depend on."""
        return checksum({"files": self.files, "labels": self.labels})

    def verify(self, *names: str) -> None:
        """Raises BundleError unless these of its files are as they were written."""
        for name in names:
            try:
                found = sha256(self.path / name)
            except OSError as error:
                raise damaged(self.path, f"{name}: {error.strerror}") from None
            if found != self.files[name]:
                raise damaged(self.path, f"{name} has another checksum")


def damaged(path: Path, reason: str, remedy: str = _AGAIN) -> BundleError:
    return BundleError(f"the bundle {path} is damaged: {reason}; {remedy}")


def read(path: Path) -> Bundle:
    """Reads a bundle's manifest; `verify` checks its files."""
    if own_python.is_there(path):
        return _parse(path, own_python.read(path))
    try:
        data = json.loads((path / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise BundleError(f"there is no bundle in {path}: make it with `make export`") from None
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, f"{MANIFEST}: {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("format"), int):
        raise damaged(path, f"{MANIFEST} is not the description of a bundle")
    if data["format"] != FORMAT:
        age = "an older" if data["format"] < FORMAT else "a newer"
        raise BundleError(f"the bundle {path} was made by {age} version of this program: {_AGAIN}")
    if data.get("sha256") != checksum(data):
        raise damaged(path, f"{MANIFEST} was changed after it was written, and edits by hand are not accepted")
    try:
        return _parse(path, data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(path, f"{MANIFEST}: {error}") from None


def load(path: Path, use: Callable[[Bundle], T]) -> T:
    """Reads a bundle and uses its files, again if it was replaced meanwhile: all that is used is of one generation."""
    for _ in range(_MOST_REPLACEMENTS):
        found = read(path)
        try:
            result = use(found)
        except Exception:  # manifest and files of two generations fail in any way
            if read(path) == found:
                raise
        else:
            if read(path) == found:
                return result
    raise BundleError(f"the bundle {path} is replaced again and again while it is read")


def _parse(path: Path, data: dict[str, Any]) -> Bundle:
    manifest.check(data)
    values = {key: value for key, value in data.items() if key not in ("format", "sha256")}
    spec = InputSpec(**_with_tuples(values.pop("input")))
    features = values.pop("features", None)
    return Bundle(
        path=path,
        labels=tuple(values.pop("labels")),
        input=spec,
        features=FeatureSpec(**_with_tuples(features)) if features else None,
        **values,
    )


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def write(bundle: Bundle, fill: Callable[[Path], None]) -> Bundle:
    """Writes a bundle: `fill` puts the files into a new folder, which then replaces the old one.

    A reader sees the old bundle or the new one, never half of one, and a failure leaves the old one in place.
    """
    place = bundle.path.resolve()  # if it is a link, the folder behind it is replaced
    place.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        new = scratch / "new"
        new.mkdir()
        fill(new)
        written = replace(bundle, files={item.name: sha256(item) for item in sorted(new.iterdir())})
        (new / MANIFEST).write_text(_manifest_of(written), "utf-8")
        new.chmod(0o755)
        put_in_place(new, place)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return written


def _manifest_of(bundle: Bundle) -> str:
    content = {"format": FORMAT, **asdict(bundle)}
    del content["path"]
    content["sha256"] = checksum(content)
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    try:
        manifest.check(json.loads(text))
    except ValueError as error:
        raise BundleError(f"a bundle of {bundle.name} cannot be written: {error}") from None
    return text


def checksum(content: dict[str, Any]) -> str:
    """A manifest's own checksum. It does not depend on how the JSON is laid out."""
    rest = {key: value for key, value in content.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
