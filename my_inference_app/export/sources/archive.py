"""A TorchServe archive (.mar): the image_classifier handler with a TorchScript file. Its Python code is never run."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import torch

from ...errors import SourceError
from ..input_options import CLASSIC
from ..loaded_model import LoadedModel
from ..options import Options
from .file_format import origin_of_file
from .torchscript import load_script, loaded
from .zip_file import opened

_HANDLER = "image_classifier"
_MANIFEST = "MAR-INF/MANIFEST.json"
_LABELS = "index_to_name.json"
_MOST_JSON = 10**7


def load(options: Options, _downloaded: Path | None) -> LoadedModel:
    file = Path(options.model)
    origin = origin_of_file(file)
    with opened(file, "a TorchServe archive") as archive:
        module = _script(file, archive, _serialized_file(file, archive))
        labels = () if options.labels else _labels(file, archive)
    # The handler prepares images in this way, whatever the model.
    return loaded(options, module, CLASSIC, origin, labels)


def _serialized_file(file: Path, archive: zipfile.ZipFile) -> str:
    """The name of the TorchScript file, by the archive's manifest."""
    manifest = _json(file, archive, _MANIFEST)
    model = manifest.get("model") if isinstance(manifest, dict) else None
    if not isinstance(model, dict):
        raise SourceError(f"{_MANIFEST} in {file} does not describe a model")
    if model.get("modelFile"):
        raise SourceError(
            f"{file} is an archive in eager mode: its weights need the Python code in it, which is never run; "
            "archive a TorchScript file instead (torch.jit.trace)"
        )
    handler = str(model.get("handler"))
    if handler != _HANDLER:
        raise SourceError(f"{file} has the handler {handler[:100]!r}, whose code is never run: it must be {_HANDLER}")
    name = model.get("serializedFile")
    if not isinstance(name, str) or name not in archive.namelist():
        raise SourceError(f"{file} does not hold the serialized file that its manifest names")
    return name


def _script(file: Path, archive: zipfile.ZipFile, name: str) -> torch.nn.Module:
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "model.pt"
        with archive.open(name) as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target)
        return load_script(copy, f"{name[:100]} in {file}")


def _labels(file: Path, archive: zipfile.ZipFile) -> tuple[str, ...]:
    """In one of two forms: {"0": "cat"} or {"0": ["n02123045", "cat"]}. None if the archive has none."""
    if _LABELS not in archive.namelist():
        return ()
    names = _json(file, archive, _LABELS)
    if not isinstance(names, dict) or set(names) != {str(index) for index in range(len(names))}:
        raise SourceError(f"{_LABELS} in {file} does not number its classes from 0: name them with --labels FILE")
    found = [names[str(index)] for index in range(len(names))]
    labels = [entry[-1] if isinstance(entry, list) and entry else entry for entry in found]
    for index, label in enumerate(labels):
        if not isinstance(label, str) or not label.strip():
            raise SourceError(f"{_LABELS} in {file} has no name for class {index}: name them with --labels FILE")
    return tuple(label.strip() for label in labels)


def _json(file: Path, archive: zipfile.ZipFile, name: str) -> Any:
    if name not in archive.namelist():
        raise SourceError(f"{file} is not a TorchServe archive: it has no {name}")
    if archive.getinfo(name).file_size > _MOST_JSON:
        raise SourceError(f"{file} is refused: {name} in it is too large")
    try:
        return json.loads(archive.read(name))
    except (ValueError, RecursionError):
        raise SourceError(f"{name} in {file} is not valid JSON") from None
