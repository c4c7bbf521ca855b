"""python -m benchmarks.familiar BUNDLE PHOTOS...: which images a calibrated model would call unfamiliar.

In each round, half of the photos calibrate, and the other half is held out. For each way to tell, the table has the
share of images that come out below 0.05: of the photos held out it should be 0.05, of the other kinds all. The last
lines have coverage and calibration error on the photos held out, where file names start with the class.
"""

from __future__ import annotations

import argparse
import hashlib
import re
from collections.abc import Callable, Sequence
from copy import copy
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.unfamiliar import KINDS, files
from my_inference_app.bundles import bundle as bundles
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.bundles.doubt import UNFAMILIAR, Floats, energy
from my_inference_app.bundles.head import read_head
from my_inference_app.calibrate.fit import familiarity, fit
from my_inference_app.calibrate.temperature import calibration_error
from my_inference_app.engines.base import FeatureEngine, load_engine
from my_inference_app.inference.answers import Result, softmax
from my_inference_app.inference.images.decode import decode
from my_inference_app.inference.images.statistics import statistics
from my_inference_app.resources import cores
from my_inference_app.settings import Settings

_BATCH = 8
_NEIGHBOURS = 5
_OF_EACH = 100
_DIRECTIONS = 64


class Seen:
    """What the model sees of images, one row each."""

    def __init__(self, made: Bundle, contents: Sequence[bytes]) -> None:
        engine, head = load_engine(made, "openvino", threads=cores()), read_head(made)
        assert head and isinstance(engine, FeatureEngine)
        images = [decode(data, made.input, Settings.max_pixels) for data in contents]
        computed = [engine.with_features(np.stack(images[at : at + _BATCH])) for at in range(0, len(images), _BATCH)]
        self.statistics = np.stack([statistics(image) for image in images])
        self.logits = np.concatenate([logits for logits, _ in computed])
        self.features = np.stack([head.embed(one) for _, maps in computed for one in maps])
        # There are more channels than photos: only those directions in which the classes differ most.
        _, _, directions = np.linalg.svd(head.weight - head.weight.mean(axis=0), full_matrices=False)
        self.directions = self.features @ directions[:_DIRECTIONS].T


Rows = NDArray[np.intp]
Way = Callable[[Seen, Rows, Seen], tuple[Floats, Floats]]
"""Farness of calibration photos, and of other images: the larger, the farther."""


def by_energy(photos: Seen, part: Rows, others: Seen) -> tuple[Floats, Floats]:
    return energy(photos.logits[part]), energy(others.logits)


def by_neighbours(photos: Seen, part: Rows, others: Seen) -> tuple[Floats, Floats]:
    known, new = (_unit(rows) for rows in (photos.features[part], others.features))
    own, theirs = known @ known.T, new @ known.T
    return -np.sort(own, axis=1)[:, -_NEIGHBOURS - 1], -np.sort(theirs, axis=1)[:, -_NEIGHBOURS]


def by_features(photos: Seen, part: Rows, others: Seen) -> tuple[Floats, Floats]:
    return _by_covariance(photos.directions[part], photos.logits[part], others.directions, others.logits, 0.0)


def by_statistics(photos: Seen, part: Rows, others: Seen) -> tuple[Floats, Floats]:
    return _by_covariance(photos.statistics[part], photos.logits[part], others.statistics, others.logits, 0.0)


def as_served(photos: Seen, part: Rows, others: Seen) -> tuple[Floats, Floats]:
    return _by_covariance(photos.statistics[part], photos.logits[part], others.statistics, others.logits, 1.0)


def all_together(photos: Seen, part: Rows, others: Seen) -> tuple[Floats, Floats]:
    ways = [way(photos, part, others) for way in (by_neighbours, by_features, as_served)]
    scaled = [((own - own.mean()) / own.std(), (new - own.mean()) / own.std()) for own, new in ways]
    own, new = (np.square(np.maximum(0, [pair[side] for pair in scaled])).sum(axis=0) for side in (0, 1))
    return own, new


def _by_covariance(
    known: Floats, logits: Floats, new: Floats, new_logits: Floats, share: float
) -> tuple[Floats, Floats]:
    """As calibrate/fit.py does. `share` is that of the energy."""
    one = familiarity(logits * share, known)
    own = np.array(one.farness)
    return own, np.array(
        [one.farness_of(row, row_logits * share) for row, row_logits in zip(new, new_logits, strict=True)]
    )


WAYS: dict[str, Way] = {
    "energy of the logits": by_energy,
    "neighbours of the features": by_neighbours,
    "covariance of the features": by_features,
    "statistics of the image": by_statistics,
    "statistics and energy, as served": as_served,
    "all together": all_together,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.familiar", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("photos", type=Path, nargs="+", help="folders of photos")
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    made = bundles.read(given.bundle)
    found = {
        hashlib.sha256(path.read_bytes()).digest(): path for folder in given.photos for path in folder.rglob("*.jpg")
    }
    paths = sorted(found.values())
    contents = [path.read_bytes() for path in paths]
    photos = Seen(made, contents)
    kinds = {name: Seen(made, files(make, _OF_EACH, contents)) for name, make in KINDS.items()}
    print(f"{len(paths)} photos, {_OF_EACH} images of each kind, {given.rounds} rounds")
    print(f"{'':<34}{'held out':>10}" + "".join(f"{name:>12}" for name in kinds))
    for name, way in WAYS.items():
        rounds = [_found(way, photos, kinds, number) for number in range(given.rounds)]
        print(
            f"{name:<34}{np.mean(rounds, axis=0)[0]:>10.3f}"
            + "".join(f"{share:>12.2f}" for share in np.mean(rounds, axis=0)[1:])
        )
    classes = [int(number[0]) for path in paths if (number := re.match(r"\d+", path.name))]
    if len(classes) == len(paths):
        _sets(made, photos, np.array(classes), given.rounds)


def _halves(number: int, of: int) -> tuple[Rows, Rows]:
    order = np.random.default_rng(number).permutation(of)
    return order[: of // 2], order[of // 2 :]


def _found(way: Way, photos: Seen, kinds: dict[str, Seen], number: int) -> list[float]:
    part, rest = _halves(number, len(photos.logits))
    known, held_out = way(photos, part, _rows(photos, rest))
    return [_share(known, held_out), *(_share(known, way(photos, part, kind)[1]) for kind in kinds.values())]


def _share(known: Floats, new: Floats) -> float:
    """Of the new ones, those of which the calibration photos say that fewer than one in twenty is as far."""
    as_far = 1 + (known >= new[:, None]).sum(axis=1)
    return float(np.mean(as_far / (len(known) + 1) < UNFAMILIAR))


def _sets(made: Bundle, photos: Seen, classes: Rows, rounds: int) -> None:
    for coverage in (0.8, 0.9, 0.95):
        rows = [_round(made, photos, classes, coverage, number) for number in range(rounds)]
        covered, size, certain, right, before, after = np.mean(rows, axis=0)
        print(
            f"coverage {coverage}: {covered:.3f} of the sets have the right label, {size:.2f} labels a set; "
            f"{certain:.2f} of the answers are certain, {right:.3f} of those right; "
            f"calibration error {before:.3f} before, {after:.3f} after"
        )


def _round(made: Bundle, photos: Seen, classes: Rows, coverage: float, number: int) -> list[float]:
    part, rest = _halves(number, len(classes))
    doubt = fit(photos.logits[part], classes[part], photos.statistics[part], coverage).doubt
    results = [Result(made.labels, photos.logits[at], doubt=doubt, statistics=photos.statistics[at]) for at in rest]
    doubts = [found for result in results if (found := result.doubts())]
    right = [made.labels[one] for one in classes[rest]]
    certain = [(found.labels[0] == label) for found, label in zip(doubts, right, strict=True) if found.certain]
    held_out = photos.logits[rest]
    return [
        float(np.mean([label in found.labels for found, label in zip(doubts, right, strict=True)])),
        float(np.mean([len(found.labels) for found in doubts])),
        len(certain) / len(doubts),
        float(np.mean(certain)),
        calibration_error(softmax(held_out), classes[rest]),
        calibration_error(softmax(held_out / doubt.temperature), classes[rest]),
    ]


def _rows(photos: Seen, rows: Rows) -> Seen:
    part = copy(photos)
    for name, values in vars(photos).items():
        setattr(part, name, values[rows])
    return part


def _unit(rows: Floats) -> Floats:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


if __name__ == "__main__":
    main()
