"""The model that classifies: the default one of the server, with all cores for it alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..bundles.bundle import Bundle
from ..bundles.store import Place, places
from ..engines.base import engine_of
from ..errors import SetupError
from ..inference import loading
from ..inference.classifier import Classifier
from ..inference.model_classifier import ModelClassifier
from ..resources import cores
from ..settings import Settings

WAITING = 32
"""Threads for a source that mostly waits."""
_NEVER = 1e9
_MOST_ENGINES = 8
"""Each has the weights in memory once more."""


@dataclass(frozen=True)
class Loaded:
    classifier: Classifier
    checksum: str
    """Of the files of its bundle."""

    @property
    def identity(self) -> dict[str, str]:
        about = self.classifier.description
        return {
            "model": self.classifier.name,
            "version": self.classifier.version,
            "bundle": self.checksum,
            "engine": about.engine,
            "precision": about.precision,
        }


def settings_of_one_process(settings: Settings) -> Settings:
    """One process has all cores and all memory, and nothing in it is refused because of load."""
    threads = 4 * max(WAITING, workers_for(settings))
    return replace(
        settings,
        engine=settings.local_engine,
        workers=1,
        threads=max(threads, settings.threads),
        batch_delay_ms=0.0,
        request_timeout=_NEVER,
        hang_timeout=2 * _NEVER,
    )


def settings_on_ray(settings: Settings, address: str) -> Settings:
    """Of an actor on the cluster, which has only its share of a node."""
    return replace(
        settings,
        ray_address=address,
        compute_threads=max(1, int(settings.ray_cpus)),
        # It works in another folder.
        bundle=str(Path(settings.bundle).resolve()) if settings.bundle else "",
        models_dir=settings.models_dir.resolve(),
    )


def workers_for(settings: Settings) -> int:
    """Threads that read and decode while others compute."""
    return cores() + 2 * len(settings.device)


def engines_for(bundle: Bundle, settings: Settings) -> int:
    """With one engine on all cores, its threads would wait for each other, and for a core that decodes."""
    if engine_of(bundle, settings.engine) != "openvino":
        return 1
    return min(settings.compute_thread_count, _MOST_ENGINES)


def load(settings: Settings, *, embeddings: bool) -> Loaded:
    place = places(settings)[0]

    def use(bundle: Bundle) -> Loaded:
        classifier = _warm(bundle, settings, place)
        return Loaded(classifier, bundle.identity)

    loaded = loading.load(place.folder, settings.load_timeout, use)
    if embeddings and not loaded.classifier.description.features:
        raise SetupError(
            f"the model {loaded.classifier.name} has no features for --embeddings: if it ends in global pooling and "
            "one linear layer, make its bundle again with `make export`; otherwise leave the option out"
        )
    return loaded


def _warm(bundle: Bundle, settings: Settings, place: Place) -> Classifier:
    place = replace(place, replicas=max(place.replicas, engines_for(bundle, settings)))
    classifier = ModelClassifier(bundle, settings, place=place)
    classifier.warm_up()
    return classifier
