"""What a calibrated bundle knows of its own errors, from photos with known labels. Independent of any framework.

`calibrate/` makes it. docs/doubt.md says what is computed, and what it assumes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import read_arrays
from .bundle import Bundle
from .manifest import DOUBT

Floats = NDArray[np.float64]

LEAST_MASS = 0.5
"""A best label that is not more probable than all others together is never certain."""
UNFAMILIAR = 0.05
"""Fewer than this share of the calibration photos were as far from the others."""


@dataclass(frozen=True)
class Familiarity:
    """How far an image is from the calibration photos: by its statistics, and by the energy of its logits."""

    mean: Floats
    whitening: Floats
    """Makes the statistics of photos uncorrelated, with variance 1."""
    spread: Floats
    """Mean and deviation of the two distances, among the photos."""
    farness: Floats
    """Of the photos, each compared with others, sorted."""

    def of(self, statistics: NDArray[np.floating[Any]], logits: NDArray[np.floating[Any]]) -> float:
        """The share of photos that are as far from the others as this image is."""
        nearer = np.searchsorted(self.farness, self.farness_of(statistics, logits))
        return float((1 + len(self.farness) - nearer) / (1 + len(self.farness)))

    def farness_of(self, statistics: NDArray[np.floating[Any]], logits: NDArray[np.floating[Any]]) -> float:
        distances = np.array([distance((statistics - self.mean) @ self.whitening), energy(logits)])
        return float(together(distances, self.spread))


@dataclass(frozen=True)
class Doubt:
    temperature: float
    """Logits are divided by it."""
    coverage: float
    """How often the set of labels has the right one, unless a request asks for another share."""
    masses: Floats
    """Of each photo the probability of all labels that the model preferred to the right one, sorted."""
    familiarity: Familiarity

    def most_mass(self, coverage: float) -> float:
        """A label is considered while those before it have no more than this probability together.

        Raises ValueError if there were too few photos to say.
        """
        photos = len(self.masses)
        rank = math.ceil((photos + 1) * coverage)
        if rank > photos:
            raise ValueError(f"it was calibrated with {photos} photos, and {fewest_photos(coverage)} are needed")
        return max(LEAST_MASS, float(self.masses[rank - 1]))


def fewest_photos(coverage: float) -> int:
    """That can guarantee a coverage."""
    photos = max(1, math.floor(coverage / (1 - coverage)) - 1)
    while math.ceil((photos + 1) * coverage) > photos:
        photos += 1
    return photos


def distance(whitened: Floats) -> Floats:
    """On a logarithmic scale, of one row or of many."""
    found: Floats = np.log(np.square(whitened).mean(axis=-1) + 1e-12) / 2
    return found


def energy(logits: NDArray[np.floating[Any]]) -> Floats:
    """High where no class has a high logit."""
    found: Floats = -np.logaddexp.reduce(logits.astype(np.float64), axis=-1)
    return found


def together(distances: Floats, spread: Floats) -> Floats:
    """One number for both distances. To be nearer than usual is not suspicious."""
    beyond = np.maximum(0.0, (distances - spread[0]) / spread[1])
    found: Floats = np.square(beyond).sum(axis=-1)
    return found


def write_doubt(doubt: Doubt, folder: Path) -> None:
    """Without the temperature and the coverage, which are in bundle.json."""
    np.savez(folder / DOUBT, allow_pickle=False, masses=doubt.masses, **vars(doubt.familiarity))


def read_doubt(bundle: Bundle) -> Doubt | None:
    """None if the bundle is not calibrated."""
    if not bundle.doubt:
        return None

    def tables(arrays: Mapping[str, Floats]) -> tuple[Floats, Familiarity]:
        familiarity = Familiarity(**{name: arrays[name] for name in arrays if name != "masses"})
        _check(arrays["masses"], familiarity)
        return arrays["masses"], familiarity

    masses, familiarity = read_arrays(bundle, DOUBT, np.float64, tables)
    return Doubt(bundle.doubt["temperature"], bundle.doubt["coverage"], masses, familiarity)


def _check(masses: Floats, familiarity: Familiarity) -> None:
    numbers = len(familiarity.mean)
    fits = familiarity.whitening.shape == (numbers, numbers) and familiarity.spread.shape == (2, 2)
    if not fits or not len(masses) or masses.ndim != 1 or familiarity.farness.ndim != 1:
        raise ValueError("its tables do not fit together")
