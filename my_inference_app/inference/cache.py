"""Keeps the results of images that were computed, for the same bytes to come again.

What is found is not computed; the other images of a request are. One cache is shared by the models of a worker.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

import numpy as np

from .. import metrics
from ..errors import ServiceError
from .answers import Answer, Result
from .classifier import Abandoned, Classifier
from .jobs import Image

_OVERHEAD = 1000
"""Bytes of an entry beside its arrays: keys, objects and the places in tables."""


class Cache:
    """At most so many bytes of results; the ones that were not used for longest go first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._size = 0
        self._entries: OrderedDict[bytes, tuple[Result, float]] = OrderedDict()
        self._lock = Lock()

    @property
    def size(self) -> int:
        """Bytes."""
        return self._size

    def __len__(self) -> int:
        return len(self._entries)

    def classify(
        self,
        classifier: Classifier,
        images: Sequence[bytes | Image],
        deadline: float,
        abandoned: Abandoned,
        client: bytes = b"",
    ) -> Answer:
        """As the classifier does, from the cache where it can. Nothing is shared between two values of `client`."""
        keys = [_key(classifier, image, client) for image in images]
        found = [self._get(key) for key in keys]
        missing = [image for image, result in zip(images, found, strict=True) if result is None]
        for result, number in (("hit", len(images) - len(missing)), ("miss", len(missing))):
            metrics.cache_images.labels(classifier.name, classifier.version, result).inc(number)
        if not missing:
            return Answer([result for result in found if result])
        answer = classifier.classify(missing, deadline, abandoned)
        computed = iter(answer.outcomes)
        outcomes = [result or self._put(key, next(computed)) for key, result in zip(keys, found, strict=True)]
        return Answer(outcomes, answer.timings, answer.batch)

    def _get(self, key: bytes) -> Result | None:
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            result, made = self._entries[key]
        return replace(result, age=time.monotonic() - made)

    def _put(self, key: bytes, outcome: Result | ServiceError) -> Result | ServiceError:
        """Keeps a result, and returns it. An error is not kept."""
        if isinstance(outcome, Result):
            kept = _own_copy(outcome)
            size = _size(kept)
            with self._lock:
                if key not in self._entries and size <= self._capacity:
                    self._entries[key] = kept, time.monotonic()
                    self._size += size
                    metrics.cache_bytes.inc(size)
                    self._make_room()
        return outcome

    def _make_room(self) -> None:
        """The lock is held."""
        while self._size > self._capacity:
            _, (oldest, _) = self._entries.popitem(last=False)
            size = _size(oldest)
            self._size -= size
            metrics.cache_bytes.dec(size)


def _key(classifier: Classifier, image: bytes | Image, client: bytes) -> bytes:
    """Of everything that the result depends on, each part with its length."""
    prepared = isinstance(image, np.ndarray)
    content = np.ascontiguousarray(image).data if isinstance(image, np.ndarray) else image
    digest = hashlib.sha256()
    for part in (client, classifier.name.encode(), classifier.version.encode(), b"pixels" if prepared else b"file"):
        digest.update(len(part).to_bytes(8) + part)
    digest.update(content)
    return digest.digest()


def _own_copy(result: Result) -> Result:
    """Computed arrays are parts of those of their batch, which would be kept as a whole."""
    arrays: dict[str, Any] = {
        name: value.copy() for name, value in vars(result).items() if isinstance(value, np.ndarray)
    }
    for array in arrays.values():
        array.flags.writeable = False
    return replace(result, **arrays)


def _size(result: Result) -> int:
    return _OVERHEAD + sum(value.nbytes for value in vars(result).values() if isinstance(value, np.ndarray))
