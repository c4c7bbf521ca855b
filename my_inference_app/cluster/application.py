"""The application on Ray Serve: replicas that hold a bundle's engine, and batch what all web workers send."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from ray import serve
from ray.serve import Application

from ..bundles.bundle import Bundle
from ..engines.base import Engine, FeatureEngine, FeatureMaps, Images, Logits, engine_of, load_engine
from .delivery import delivered

Call = tuple[Images, bool]
"""Images of a worker, and whether it wants feature maps."""
Results = tuple[Logits, FeatureMaps | None]


@dataclass(frozen=True)
class Model:
    """The arguments of an application, as they stand in a Serve configuration."""

    bundle: str
    """A folder that every node has, or the URL of a tar file of it."""
    identity: str
    """The bundle's checksum. A replica with other files does not start."""
    engine: str = "openvino"
    precision: str = ""
    threads: int = 1
    max_batch: int = 8


@serve.deployment
class Replica:
    def __init__(self, model: Model) -> None:
        with delivered(model.bundle, model.identity) as bundle:
            self._engine = _engine(bundle, model)
        self._max_batch = model.max_batch
        # One thread computes. The event loop stays free to take the calls that make up the next batch.
        self._thread = ThreadPoolExecutor(1, "engine")
        together: Any = self._together  # serve.batch has given it this method
        together.set_max_batch_size(model.max_batch)

    async def compute(self, images: Images, features: bool) -> Results:
        """A call may hold more images than a batch."""
        parts = [images[start : start + self._max_batch] for start in range(0, len(images), self._max_batch)]
        return _joined(await asyncio.gather(*[self._together((part, features)) for part in parts]))

    @serve.batch(batch_wait_timeout_s=0.0, batch_size_fn=lambda calls: sum(len(images) for images, _ in calls))
    async def _together(self, calls: list[Call]) -> list[Results | Exception]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, _compute, self._engine, calls)


def build(model: dict[str, Any]) -> Application:
    """What `import_path` of a Serve configuration names."""
    deployment: Any = Replica
    application: Application = deployment.bind(Model(**model))
    return application


def _engine(bundle: Bundle, model: Model) -> Engine:
    device = "cuda" if model.engine == "torch" else "cpu"
    engine = load_engine(
        bundle,
        engine_of(bundle, model.engine),
        threads=model.threads,
        device=device,
        precision=model.precision,
    )
    for size in (1, model.max_batch):
        engine(np.zeros((size, *bundle.input.size, 3), np.uint8))
    return engine


def _compute(engine: Engine, calls: Sequence[Call]) -> list[Results | Exception]:
    try:
        return _of_all(engine, calls)
    except Exception as error:  # one call may have spoilt the batch for the others
        return [error] if len(calls) == 1 else [_compute(engine, [call])[0] for call in calls]


def _of_all(engine: Engine, calls: Sequence[Call]) -> list[Results | Exception]:
    images = np.concatenate([images for images, _ in calls])
    wanted = [features for _, features in calls]
    maps: FeatureMaps | None = None
    if any(wanted) and isinstance(engine, FeatureEngine):
        logits, maps = engine.with_features(images)
    else:
        logits = engine(images)
    ends = np.cumsum([len(images) for images, _ in calls])
    rows = [slice(end - len(images), end) for end, (images, _) in zip(ends, calls, strict=True)]
    return [
        (logits[row], maps[row] if maps is not None and features else None)
        for row, features in zip(rows, wanted, strict=True)
    ]


def _joined(parts: Sequence[Results | Exception]) -> Results:
    found = []
    for part in parts:
        if isinstance(part, Exception):
            raise part
        found.append(part)
    maps = [part for _, part in found if part is not None]
    return np.concatenate([logits for logits, _ in found]), np.concatenate(maps) if maps else None
