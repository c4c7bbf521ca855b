"""The models that are served, by name and version."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from .. import metrics
from ..bundles.bundle import Bundle
from ..bundles.store import Place, as_folder, places
from ..errors import BundleError, ModelNotFound
from ..settings import Settings
from ..watchdog import InFlight
from . import loading
from .classifier import Classifier
from .images.budget import budget_of_worker
from .model_classifier import ModelClassifier, Shared


class Registry:
    def __init__(self, served: Iterable[tuple[Classifier, float]]) -> None:
        """Each classifier comes with the share of its model's requests that it gets. The first is the default."""
        self._models: dict[str, list[tuple[Classifier, float]]] = {}
        for classifier, weight in served:
            self._models.setdefault(classifier.name, []).append((classifier, weight))
        self._names = _aliases(list(self._models))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._models)

    @property
    def classifiers(self) -> tuple[Classifier, ...]:
        """All models in all versions. The first is the default."""
        return tuple(classifier for versions in self._models.values() for classifier, _ in versions)

    @property
    def ready(self) -> bool:
        return all(classifier.ready for classifier in self.classifiers)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def versions(self, name: str) -> tuple[Classifier, ...]:
        return tuple(classifier for classifier, _ in self._served(name))

    def find(self, name: str = "", version: str = "") -> Classifier:
        """The default model if no name is given. Without a version one of those served, as their weights say."""
        served = self._served(name)
        if version:
            found = next((classifier for classifier, _ in served if classifier.version == version), None)
            if found is None:
                there = ", ".join(classifier.version for classifier, _ in served)
                raise ModelNotFound(f"{served[0][0].name} has no version {version[:100]!r} here; there is {there}")
            return found
        if len(served) == 1:
            return served[0][0]
        return random.choices(  # noqa: S311 - a canary needs no secret numbers
            [classifier for classifier, _ in served], [weight for _, weight in served]
        )[0]

    def _served(self, name: str) -> Sequence[tuple[Classifier, float]]:
        if not name:
            return next(iter(self._models.values()))
        if name not in self._names:
            raise ModelNotFound(f"there is no model {name[:100]!r} here; there is {', '.join(self.names)}")
        return self._models[self._names[name]]


def _aliases(names: Sequence[str]) -> dict[str, str]:
    """Names, and other forms of them that are unique: the folder's name, and the part behind the last slash."""
    found: dict[str, str] = {}
    folders = [as_folder(name) for name in names]
    last_parts = [name.rpartition("/")[2] for name in names]
    for forms in (folders, last_parts):
        found |= {alias: name for alias, name in zip(forms, names, strict=True) if forms.count(alias) == 1}
    return found | {name: name for name in names}


def of(*classifiers: Classifier) -> Registry:
    return Registry((classifier, 1.0) for classifier in classifiers)


def load(settings: Settings, in_flight: InFlight | None = None) -> Registry:
    """Loads the bundles and warms up their engines. The watchdog sees in `in_flight` what is being computed."""
    shared = Shared(in_flight or InFlight(), budget_of_worker(settings))
    loaded = [(_load(place, settings, shared), place.weight) for place in places(settings)]
    keys = [(classifier.name, classifier.version) for classifier, _ in loaded]
    for key in keys:
        if keys.count(key) > 1:
            raise BundleError(f'SERVER_MODELS: two bundles are called {key[0]}: give one of them a "name" of its own')
    metrics.workers_ready.set(1)
    return Registry(loaded)


def _load(place: Place, settings: Settings, shared: Shared) -> Classifier:
    def use(bundle: Bundle) -> ModelClassifier:
        classifier = ModelClassifier(bundle, settings, shared, place)
        classifier.warm_up()
        return classifier

    return loading.load(place.folder, settings.load_timeout, use)
