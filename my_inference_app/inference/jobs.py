"""Images on their way through an engine, and the requests that they belong to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from ..engines.base import Engine

Image = NDArray[np.uint8]


class Job:
    """One image on its way through an engine."""

    def __init__(self, image: Image, request: Request, with_features: bool) -> None:
        self.image = image
        self.with_features = with_features
        self.request = request
        self.logits: NDArray[np.float32] | None = None
        self.features: NDArray[np.float32] | None = None
        self.error: Exception | None = None
        self.batch = 0
        """How many images were computed together with this one, which counts too."""
        self.entered = self.started = self.finished = request.entered


class Request:
    """The images of one request. Except for `inbox`, everything is guarded by the batcher's lock."""

    def __init__(self, images: Sequence[Image], with_features: bool, deadline: float) -> None:
        self.entered = time.perf_counter()
        self.deadline = deadline
        self.jobs = [Job(image, self, with_features) for image in images]
        self.unfinished = len(images)
        self.leads = False
        """Whether its own thread leads a batch, or is about to."""
        self.inbox: SimpleQueue[Batch | None] = SimpleQueue()
        """A batch to lead, or None when all jobs are finished."""


@dataclass
class Batch:
    engine: Engine
    jobs: list[Job]
