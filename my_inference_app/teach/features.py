"""Computes the features of photos with the parent's own engine."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import __version__
from ..errors import ServiceError, SetupError
from ..inference.images.decode import decode
from ..inference.images.statistics import statistics
from ..progress import Progress, say
from ..settings import Settings
from .cache import Cache, Seen
from .parent import Parent, threads
from .photos import Photo, Problem, read

BATCH = 8
_SIDE = 16
_TRIED = 4
_HEIF = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypmif1", b"ftypmsf1", b"ftypavif")

Pixels = NDArray[np.uint8]


class Computer:
    """Computes what the parent sees in photos, and remembers it."""

    def __init__(self, parent: Parent, settings: Settings) -> None:
        self._parent = parent
        self._settings = settings
        self._cache = Cache(
            settings, f"{parent.checksum[:32]}-{settings.local_engine}-{settings.precision}-{__version__}"
        )

    def compute(self, photos: Sequence[Photo]) -> tuple[dict[str, Seen], list[Problem]]:
        """What is known of each photo, by its checksum; and the photos that cannot be used."""
        cached = ((photo.sha256, self._cache.get(photo.sha256)) for photo in photos)
        found = {sha256: seen for sha256, seen in cached if seen}
        missing = [photo for photo in photos if photo.sha256 not in found]
        problems: list[Problem] = []
        say(f"computing {len(missing):,} photos, {len(found):,} are known from before")
        progress = Progress(0, len(missing))
        for group in self._decoded(missing):
            good = [(photo, pixels) for photo, pixels in group if not isinstance(pixels, str)]
            problems += [Problem(photo.name, reason) for photo, reason in group if isinstance(reason, str)]
            for (photo, pixels), features in zip(good, self._features([pixels for _, pixels in good]), strict=True):
                found[photo.sha256] = Seen(features, _thumbnail(pixels), statistics(pixels))
                self._cache.put(photo.sha256, found[photo.sha256])
            for _, outcome in group:
                progress.add(failed=isinstance(outcome, str))
        if missing:
            progress.end()
            self._cache.trim()
        return found, problems

    def images(self, photos: Sequence[Photo]) -> Pixels:
        """The first of the photos, as the network gets them."""
        decoded = [self._decode(photo) for photo in photos[:_TRIED]]
        usable = [pixels for pixels in decoded if not isinstance(pixels, str)]
        if not usable:
            raise SetupError("the photos were changed or removed while they were read: run the command again")
        return np.stack(usable)

    def _decoded(self, photos: Sequence[Photo]) -> Iterator[list[tuple[Photo, Pixels | str]]]:
        """Groups of photos with their pixels, or the reason why there are none; the next are decoded meanwhile."""
        with ThreadPoolExecutor(threads(self._settings), "decode") as pool:
            groups = [photos[start : start + BATCH] for start in range(0, len(photos), BATCH)]
            ahead: deque[list[Future[Pixels | str]]] = deque()
            for number, group in enumerate(groups):
                for following in groups[number + len(ahead) : number + 2]:
                    ahead.append([pool.submit(self._decode, photo) for photo in following])
                yield [(photo, future.result()) for photo, future in zip(group, ahead.popleft(), strict=True)]

    def _decode(self, photo: Photo) -> Pixels | str:
        try:
            content = read(photo.path, self._settings.max_upload_bytes)
            if hashlib.sha256(content).hexdigest() != photo.sha256:
                return "it was changed meanwhile"
            if content[4:12] in _HEIF:
                return "it is a HEIC or AVIF file: convert it to JPEG"
            return decode(content, self._parent.bundle.input, self._settings.max_pixels)
        except ServiceError as error:
            return str(error)
        except OSError as error:
            return error.strerror or str(error)

    def _features(self, images: Sequence[Pixels]) -> list[NDArray[np.float32]]:
        """Batches are all of one size: some networks compute an image a little differently in a smaller batch.

        Rounded as in the cache, so that it makes no difference what was in it.
        """
        if not images:
            return []
        batch = np.zeros((BATCH, *images[0].shape), np.uint8)
        batch[: len(images)] = images
        _, maps = self._parent.engine.with_features(batch)
        return [self._parent.head.embed(image).astype(np.float16).astype(np.float32) for image in maps[: len(images)]]


def _thumbnail(pixels: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(pixels).convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX))
