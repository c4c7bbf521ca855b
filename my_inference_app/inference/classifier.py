"""From images to results: the interface between HTTP and models, and the seam for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..bundles.bundle import FeatureSpec, InputSpec
from ..bundles.doubt import Doubt
from .answers import Answer, Detail
from .jobs import Image

Abandoned = Callable[[], bool]
"""Whether the client no longer waits for the response."""


@dataclass(frozen=True)
class Description:
    """What is known about a model before it has seen an image."""

    source: Mapping[str, Any]
    license: str | None
    input: InputSpec
    engine: str
    precision: str
    replicas: int
    features: FeatureSpec | None = None
    """Of the last feature map. Without them there are no class activation maps and no embeddings."""
    doubt: Doubt | None = None
    """Without it, answers do not say when they are uncertain."""


class Classifier(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def ready(self) -> bool: ...

    @property
    def labels(self) -> Sequence[str]: ...

    @property
    def description(self) -> Description: ...

    @property
    def waiting(self) -> int:
        """Images that wait for an engine."""

    def classify(
        self,
        images: Sequence[bytes | Image],
        deadline: float,
        abandoned: Abandoned = ...,
        detail: Detail = ...,
    ) -> Answer:
        """Classifies files, or images already prepared: height x width x 3 of the model's input size.

        Results hold what `detail` says. A model without features raises ExplanationUnavailable if it asks for them.
        `deadline` is on the clock of time.monotonic(). Nothing more is computed once `abandoned` returns True.
        """
