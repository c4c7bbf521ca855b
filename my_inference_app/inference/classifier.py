"""From images to predictions: the interface between HTTP and models, and the seam for tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .. import metrics
from ..bundles import bundle as bundles
from ..bundles.bundle import Bundle
from ..bundles.store import bundle_dir
from ..engines.base import load_engine
from ..errors import ClientGone, DeadlineExceeded, ServiceError
from ..settings import Settings
from ..watchdog import InFlight
from .batching import Batcher, Job
from .images.budget import budget_of_worker
from .images.decode import Room, decode
from .waiting import Patience
from .warmup import warm_up

Abandoned = Callable[[], bool]
"""Whether the client no longer waits for the response."""


@dataclass(frozen=True)
class Prediction:
    label: str
    score: float
    class_id: int


@dataclass(frozen=True)
class Timings:
    """Milliseconds."""

    decode: float = 0.0
    queue: float = 0.0
    infer: float = 0.0


@dataclass(frozen=True)
class Answer:
    """For each image its predictions, or why there are none."""

    outcomes: Sequence[Sequence[Prediction] | ServiceError]
    timings: Timings


class Classifier(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def ready(self) -> bool: ...

    def classify(self, images: Sequence[bytes], top_k: int, deadline: float, abandoned: Abandoned = ...) -> Answer:
        """`deadline` is on the clock of time.monotonic(). Nothing more is computed once `abandoned` returns True."""


def load(settings: Settings, in_flight: InFlight | None = None) -> Classifier:
    """Loads the bundle and warms up its engines. The watchdog sees in `in_flight` what is being computed."""

    def use(bundle: Bundle) -> ModelClassifier:
        classifier = ModelClassifier(bundle, settings, in_flight)
        classifier.warm_up()
        return classifier

    return bundles.load(bundle_dir(settings), use)


class ModelClassifier:
    def __init__(self, bundle: Bundle, settings: Settings, in_flight: InFlight | None = None) -> None:
        engines = [
            load_engine(
                bundle,
                settings.engine,
                threads=settings.compute_thread_count,
                device=device,
                precision=settings.engine_precision,
            )
            for device in settings.device
        ]
        self.name = bundle.name
        self.ready = False
        self._bundle = bundle
        self._max_pixels = settings.max_pixels
        self._max_batch = settings.batch_limit
        self._in_flight = InFlight() if in_flight is None else in_flight
        self._budget = budget_of_worker(settings)
        self._batcher = Batcher(
            engines,
            max_batch=settings.batch_limit,
            queue_size=settings.queue_size,
            delay=settings.batch_delay_ms / 1000,
            computing=self._in_flight.computing,
        )

    def warm_up(self) -> None:
        warm_up(self._bundle, self._batcher.run_on_each, self._max_batch)
        self.ready = True
        metrics.workers_ready.set(1)

    def classify(
        self, images: Sequence[bytes], top_k: int, deadline: float, abandoned: Abandoned = lambda: False
    ) -> Answer:
        patience = Patience(deadline, abandoned)
        if over := patience.look():
            raise over
        started = time.perf_counter()
        decoded = [self._decode(data, partial(self._room, patience)) for data in images]
        decode_ms = (time.perf_counter() - started) * 1000
        jobs = iter(self._batcher.run([item for item in decoded if isinstance(item, np.ndarray)], patience))
        outcomes: list[Sequence[Prediction] | ServiceError] = []
        done: list[Job] = []
        for item in decoded:
            if isinstance(item, ServiceError):
                outcomes.append(item)
                continue
            job = next(jobs)
            done.append(job)
            outcomes.append(self._outcome(job, top_k))
        timings = _timings(decode_ms, done)
        for stage, milliseconds in vars(timings).items() if done else [("decode", decode_ms)]:
            metrics.stage_seconds.labels(stage).observe(milliseconds / 1000)
        return Answer(outcomes, timings)

    def _decode(self, data: bytes, room: Room) -> NDArray[np.uint8] | ServiceError:
        try:
            return decode(data, self._bundle.input, self._max_pixels, room)
        except (ClientGone, DeadlineExceeded):  # so is the whole request
            raise
        except ServiceError as error:
            return error

    @contextmanager
    def _room(self, patience: Patience, pixels: int) -> Iterator[None]:
        with self._budget.reserve(pixels, patience), self._in_flight.computing():
            yield

    def _outcome(self, job: Job, top_k: int) -> Sequence[Prediction] | ServiceError:
        if isinstance(job.error, ServiceError):
            return job.error
        if job.error or job.logits is None:
            raise job.error or RuntimeError("an image was not computed")
        return top_predictions(job.logits, self._bundle.labels, top_k)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities from the logits of one image, or row by row of many."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    scores: NDArray[np.float64] = shifted / shifted.sum(axis=-1, keepdims=True)
    return scores


def top_predictions(logits: NDArray[np.float32], labels: Sequence[str], top_k: int) -> list[Prediction]:
    """The most probable classes, best first."""
    scores = softmax(logits)
    best = np.argsort(-scores, kind="stable")[:top_k]
    return [Prediction(labels[i], float(scores[i]), int(i)) for i in best]


def _timings(decode_ms: float, jobs: Sequence[Job]) -> Timings:
    if not jobs:
        return Timings(decode=decode_ms)
    # Of several images: until the first was started, and from there until the last was finished.
    started = min(job.started for job in jobs)
    return Timings(
        decode=decode_ms,
        queue=max(0.0, started - jobs[0].entered) * 1000,
        infer=(max(job.finished for job in jobs) - started) * 1000,
    )
