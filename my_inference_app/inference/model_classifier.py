"""The classifier of a bundle: decodes images, has engines compute them in batches, and makes results."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice

import numpy as np

from .. import metrics
from ..bundles import own_python
from ..bundles.bundle import Bundle
from ..bundles.head import read_head
from ..bundles.store import Place
from ..engines.base import Engine, FeatureEngine, engine_of, load_engine
from ..errors import ClientGone, DeadlineExceeded, ExplanationUnavailable, ModelFailed, NotReady, ServiceError
from ..resources import release_mapped_files
from ..settings import Settings
from ..watchdog import InFlight
from .answers import Answer, Detail, FeatureMap, Result, Seen, Timings
from .batching import Batcher
from .classifier import Abandoned, Description
from .doubts import load_doubt
from .images.budget import DecodeBudget, budget_of_worker
from .images.decode import Room, box_of, decode
from .images.geometry import Box
from .images.statistics import statistics
from .jobs import Image, Job
from .waiting import Patience
from .warmup import warm_up

_NO_FEATURES = (
    "the model {} has no feature map to explain or embed images with: only networks that end in global pooling and one "
    "linear layer have; if it is one, make its bundle again with `make export`"
)


@dataclass(frozen=True)
class Shared:
    """What all models of a worker share."""

    in_flight: InFlight
    """The watchdog sees here what is being computed."""
    budget: DecodeBudget


class ModelClassifier:
    def __init__(
        self, bundle: Bundle, settings: Settings, shared: Shared | None = None, place: Place | None = None
    ) -> None:
        place = place or Place(bundle.path)
        shared = shared or Shared(InFlight(), budget_of_worker(settings))
        self.name = place.name or bundle.name
        self.version = place.version
        self.labels = bundle.labels
        self.ready = False
        engine = engine_of(bundle, settings.engine)
        engines = _engines(bundle, engine, settings, place.replicas)
        self._head = read_head(bundle) if all(isinstance(engine, FeatureEngine) for engine in engines) else None
        self._doubt = load_doubt(bundle)
        self.description = Description(
            bundle.source,
            bundle.license,
            bundle.input,
            engine,
            _precision(bundle, settings),
            len(engines),
            bundle.features if self._head else None,
            self._doubt,
        )
        self._bundle = bundle
        self._max_pixels = settings.max_pixels
        self._max_batch = settings.batch_limit
        self._shared = shared
        self._counts = metrics.OfModel(self.name, self.version)
        self._computing = InFlight(shared.in_flight)
        self._hangs_after = settings.request_timeout
        self._batcher = Batcher(
            engines,
            max_batch=settings.batch_limit,
            queue_size=settings.queue_size,
            delay=settings.batch_delay_ms / 1000,
            computing=self._computing.computing,
            counts=self._counts,
        )

    @property
    def waiting(self) -> int:
        return self._batcher.waiting

    def warm_up(self) -> None:
        warm_up(self._bundle, self._batcher.run_on_each, self._max_batch)
        release_mapped_files(self._bundle.path)
        self.ready = True

    def classify(
        self,
        images: Sequence[bytes | Image],
        deadline: float,
        abandoned: Abandoned = lambda: False,
        detail: Detail = Detail.LOGITS,
    ) -> Answer:
        if detail is Detail.FEATURES and self._head is None:
            raise ExplanationUnavailable(_NO_FEATURES.format(self.name))
        patience = Patience(deadline, abandoned)
        if over := patience.look():
            raise over
        if self._computing.hanging(self._hangs_after) >= self.description.replicas:
            # Its requests would only occupy the threads that other models need.
            raise NotReady(f"the model {self.name} hangs: try again in a moment")
        started = time.perf_counter()
        decoded = [self._decode(image, partial(self._room, patience)) for image in images]
        decode_ms = (time.perf_counter() - started) * 1000
        prepared = [item for item in decoded if isinstance(item, np.ndarray)]
        jobs = self._batcher.run(prepared, patience, detail is Detail.FEATURES)
        timings = _timings(decode_ms, jobs)
        for stage, milliseconds in vars(timings).items() if jobs else [("decode", decode_ms)]:
            self._counts.stage_seconds[stage].observe(milliseconds / 1000)
        remaining = iter(jobs)
        outcomes = [
            item if isinstance(item, ServiceError) else self._outcome(next(remaining), image, detail)
            for image, item in zip(images, decoded, strict=True)
        ]
        return Answer(outcomes, timings, max((job.batch for job in jobs), default=0))

    def _decode(self, data: bytes | Image, room: Room) -> Image | ServiceError:
        if not isinstance(data, bytes):
            return data
        try:
            return decode(data, self._bundle.input, self._max_pixels, room)
        except (ClientGone, DeadlineExceeded):  # so is the whole request
            raise
        except ServiceError as error:
            return error

    @contextmanager
    def _room(self, patience: Patience, pixels: int) -> Iterator[None]:
        with self._shared.budget.reserve(pixels, patience), self._shared.in_flight.computing():
            yield

    def _outcome(self, job: Job, image: bytes | Image, detail: Detail) -> Result | ServiceError:
        if isinstance(job.error, ServiceError):
            return job.error
        if job.error or job.logits is None:
            failed = ModelFailed(f"the model {self.name} failed on this image; the request id helps to find out why")
            failed.__cause__ = job.error
            return failed
        seen = features = None
        if job.features is not None and self._head:
            features = FeatureMap(job.features, self._head)
        if detail is not Detail.LOGITS:
            seen = Seen(job.image, self._box(image), features)
        looks = statistics(job.image) if self._doubt else None
        return Result(self.labels, job.logits, seen=seen, doubt=self._doubt, statistics=looks)

    def _box(self, image: bytes | Image) -> Box:
        """Of a prepared image the model sees all."""
        if isinstance(image, bytes):
            return box_of(image, self._bundle.input)
        return (0.0, 0.0, float(image.shape[1]), float(image.shape[0]))


def _engines(bundle: Bundle, engine: str, settings: Settings, replicas: int) -> list[Engine]:
    """One for each device, or as many as are wanted, over the devices in turn."""
    replicas = settings.ray_calls(replicas) if engine == "ray" else replicas
    devices = islice(cycle(settings.device), max(replicas, len(settings.device)))
    return [
        load_engine(
            bundle,
            engine,
            threads=max(1, settings.compute_thread_count // replicas),
            device=device,
            precision=settings.engine_precision,
            cluster=settings,
        )
        for device in devices
    ]


def _precision(bundle: Bundle, settings: Settings) -> str:
    return bundle.precision if bundle.precision in ("int8", own_python.PRECISION) else settings.precision


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
