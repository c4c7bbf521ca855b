"""python -m my_inference_app.export.evaluate FOLDER: how often a bundle is right on labelled images.

The report is JSON on stdout. A progress bar and the names of unreadable files go to stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ..bundles import bundle
from ..bundles.bundle import Bundle
from ..bundles.store import bundle_dir
from ..engines.base import Engine, load_engine
from ..errors import SetupError, SourceError
from ..resources import cores
from ..settings import Settings
from .image_folder import ImageFile, decode_all, find

_BATCH = 8
Decoded = tuple[ImageFile, NDArray[np.uint8]]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m my_inference_app.export.evaluate", description=__doc__)
    parser.add_argument("folder", type=Path, help="images in folders named by WordNet id or class index, or with a "
                        "WordNet id in their names")  # fmt: skip
    given = parser.parse_args(arguments)
    try:
        settings = Settings.from_env()
        made = bundle.read(bundle_dir(settings))
        engine = load_engine(
            made, settings.local_engine, threads=cores(), device=settings.device[0], precision=settings.engine_precision
        )
        print(json.dumps(evaluate(made, engine, given.folder), indent=1))
    except SetupError as error:
        sys.exit(f"error: {error}")


def evaluate(made: Bundle, engine: Engine, folder: Path) -> dict[str, Any]:
    files = find(folder, made.labels)
    labelled = [file for file in files if file.class_id is not None]
    if not labelled:
        raise SourceError(f"no image in {folder} has a label: name its folders by WordNet id or class index")
    top1 = top5 = counted = 0
    with tqdm(total=len(labelled), unit=" images", disable=None) as bar:
        for batch in _batches(decode_all(labelled, made.input)):
            right = np.array([file.class_id for file, _ in batch])
            ranked = np.argsort(-engine(np.stack([pixels for _, pixels in batch])), axis=1)
            top1 += int(np.sum(ranked[:, 0] == right))
            top5 += int(np.sum(ranked[:, :5] == right[:, None]))
            counted += len(batch)
            bar.update(len(batch))
    if not counted:
        raise SourceError(f"none of the {len(labelled)} labelled images in {folder} can be read")
    return {
        "model": made.name,
        "precision": made.precision,
        "images": counted,
        "unreadable": len(labelled) - counted,
        "unlabelled": len(files) - len(labelled),
        "top1": top1 / counted,
        "top5": top5 / counted,
    }


def _batches(decoded: Iterable[Decoded]) -> Iterator[list[Decoded]]:
    iterator = iter(decoded)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


if __name__ == "__main__":
    main()
