"""From photos to a bundle: the steps of teaching in their order."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundles.bundle import Bundle
from ..bundles.store import TAUGHT
from ..calibrate.fit import COVERAGE, Fitted, fit, needed
from ..errors import SetupError
from ..progress import say
from ..settings import Settings
from . import nearly, publish
from . import report as reports
from .features import Computer
from .head import Matrix
from .learning import Learnt, learn
from .parent import Parent, load
from .photos import Photos, digest, find
from .quality import assess
from .versions import Place, compare, learnt_from, next_version


@dataclass(frozen=True)
class Job:
    photos: Path
    name: str
    version: str = ""
    estimate: bool = False
    """Only say how good it would be."""
    report: Path | None = None
    """A page to be written, too."""


@dataclass(frozen=True)
class Lesson:
    """All that teaching knows before it writes anything."""

    photos: Photos
    features: Matrix
    """Of the photos in their order, pooled, as the last layer gets them."""
    statistics: NDArray[np.float32]
    """Of the pixels of the photos in their order."""
    learnt: Learnt
    """The head, and what cross-validation says of it: `learnt.validation` has logits and right answers."""
    quality: dict[str, Any]
    images: NDArray[np.uint8]
    """A few of the photos as the network gets them, to try the new layer on."""


def run(job: Job, settings: Settings) -> dict[str, Any]:
    """Returns the report."""
    started = time.monotonic()
    if job.report and not job.report.parent.is_dir():
        raise SetupError(f"there is no folder {job.report.parent} for the report: make it first")
    place = next_version(settings, job.name, job.version)
    photos = find(job.photos, settings.max_upload_bytes)
    parent = load(settings, job.name, place.last)
    say(f"{len(photos.usable):,} photos of {len(photos.labels)} classes; the network is that of {parent.bundle.name}")
    lesson = prepare(photos, parent, settings)
    made = None if job.estimate else _write(lesson, parent, place, job.name)
    report = {
        "name": job.name,
        "parent": parent.bundle.name,
        **lesson.quality,
        "comparison": _comparison(place, parent, lesson),
        "bundle": str(made.path) if made else None,
        "version": made.path.name if made else None,
        "seconds": round(time.monotonic() - started, 1),
    }
    if job.report:
        reports.write(job.report, report, {photo.name: photo for photo in lesson.photos.usable})
    return report


def prepare(photos: Photos, parent: Parent, settings: Settings) -> Lesson:
    computer = Computer(parent, settings)
    seen, problems = computer.compute(photos.usable)
    photos = photos.without(problems)
    known = [seen[photo.sha256] for photo in photos.usable]
    near = nearly.pairs(known)
    features = np.stack([one.features for one in known]).astype(np.float64)
    class_ids = np.array(photos.class_ids)
    learnt = learn(features, class_ids, parent.head, nearly.groups(class_ids, near))
    quality = assess(photos, learnt.validation, near)
    statistics = np.stack([one.statistics for one in known])
    return Lesson(photos, features, statistics, learnt, quality, computer.images(photos.usable))


def _comparison(place: Place, parent: Parent, lesson: Lesson) -> dict[str, Any] | None:
    if place.last is None:
        return None
    found = None
    if place.last.source.get("parent_checksum") == parent.checksum:  # otherwise the features are other ones
        found = compare(place.last, lesson.photos, lesson.features, lesson.learnt.validation)
    if found is None:
        say(f"no comparison with version {place.last.path.name}: it has another parent, or has seen all these photos")
    return found


def _calibration(lesson: Lesson) -> Fitted | None:
    """From the answers of heads that have not seen the photo. None if there are too few photos."""
    photos, enough = len(lesson.statistics), needed(COVERAGE)
    if photos < enough:
        say(f"not calibrated: {photos} photos, and {enough} are needed for answers that say when they are uncertain")
        return None
    validation = lesson.learnt.validation
    return fit(validation.logits[0], validation.class_ids, lesson.statistics, COVERAGE)


def _write(lesson: Lesson, parent: Parent, place: Place, name: str) -> Bundle:
    photos = lesson.photos
    origin = {
        "kind": TAUGHT,
        "parent": parent.bundle.name,
        "parent_checksum": parent.checksum,
        "photos": digest(photos.usable),
    }
    if place.folder.exists():
        raise SetupError(f"{place.folder} exists already: run the command again, or give another --version")
    if place.is_next and place.last and (place.last.source, place.last.created) == (origin, publish.CREATED):
        say(f"version {place.last.path.name} has learnt from the same photos, and stays the last one")
        return place.last
    calibration = _calibration(lesson)
    bundle = replace(
        parent.bundle,
        path=place.folder,
        name=name,
        source=origin,
        labels=photos.labels,
        created=publish.CREATED,
        taught=lesson.quality,
        doubt=calibration.report if calibration else None,
    )
    return publish.write(bundle, parent, lesson.learnt.head, learnt_from(photos), lesson.images, calibration)
