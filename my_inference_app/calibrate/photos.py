"""What the model of a bundle computes of photos with known labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..bundles.bundle import Bundle
from ..engines.base import Engine
from ..errors import SourceError
from ..export.image_folder import ImageFile, decode_all, find
from ..inference.images.statistics import Image, statistics
from .fit import Statistics
from .temperature import Classes, Logits

_BATCH = 8
Decoded = tuple[ImageFile, Image]


@dataclass(frozen=True)
class Computed:
    logits: Logits
    classes: Classes
    statistics: Statistics


def compute(made: Bundle, engine: Engine, folder: Path, needed: int) -> Computed:
    labelled = [file for file in find(folder, made.labels) if file.class_id is not None]
    if len(labelled) < needed:
        raise SourceError(
            f"{folder} has {len(labelled)} photos with a label, and {needed} are needed: name its folders by label, "
            "class index or WordNet id"
        )
    logits, classes, found = [], [], []
    with tqdm(total=len(labelled), unit=" photos", disable=None) as bar:
        for batch in _batches(decode_all(labelled, made.input)):
            logits.append(engine(np.stack([image for _, image in batch])))
            classes += [file.class_id for file, _ in batch]
            found += [statistics(image) for _, image in batch]
            bar.update(len(batch))
    if len(classes) < needed:
        raise SourceError(f"only {len(classes)} photos in {folder} can be read, and {needed} are needed")
    return Computed(np.concatenate(logits), np.array(classes), np.stack(found))


def _batches(decoded: Iterable[Decoded]) -> Iterator[list[Decoded]]:
    iterator = iter(decoded)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
