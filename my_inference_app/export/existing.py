"""Whether a bundle exists already, for `--if-missing`. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..bundles import bundle
from ..bundles.bundle import Bundle
from ..engines.base import check_files
from ..errors import BundleError
from .imagenet import LABELS
from .labels import read_labels
from .options import Options, checksum
from .sources import find
from .sources.file_format import origin_of_file
from .sources.hub_format import origin_of_folder


def is_current(folder: Path, options: Options, engines: Sequence[str]) -> bool:
    """Whether the folder has an undamaged bundle for these engines, made of what the options name."""
    try:
        found = bundle.read(folder)
        for engine in engines:
            check_files(found, engine)
    except BundleError:
        return False
    if found.name != options.name:
        return False
    path = Path(options.model)
    if path.is_dir():  # it may have changed, and another folder may have the same name
        return found.source == origin_of_folder(path)
    if path.is_file():
        return found.source == origin_of_file(path)
    return "weights" not in find(options.model).flags or _has_same_weights(found, options)


def _has_same_weights(found: Bundle, options: Options) -> bool:
    weights = checksum(options.weights) if options.weights else None
    labels = read_labels(options.labels) if options.labels else LABELS
    is_random = found.source.get("weights") == "random"
    return (found.source.get("sha256"), is_random, found.labels) == (weights, options.random_weights, labels)
