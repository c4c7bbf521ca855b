"""The formats of TorchServe that both ports use: its errors, and its list of models on the management port."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from .errors import BadRequest, ModelNotFound, ServiceError
from .inference.classifier import Classifier
from .inference.registry import Registry
from .settings import Settings

PREFIX = "/models"

_DEFAULT_LIMIT = 100
# nginx/project.conf has the same names.
_TYPES = {
    404: "ResourceNotFoundException",
    405: "MethodNotAllowedException",
    413: "RequestEntityTooLargeException",
    429: "ServiceUnavailableException",
    502: "ServiceUnavailableException",
    503: "ServiceUnavailableException",
}


class TorchServeError(TypedDict):
    code: int
    type: str
    message: str


def error_body(error: ServiceError) -> TorchServeError:
    default = "BadRequestException" if error.status < 500 else "InternalServerException"
    kind = "ModelNotFoundException" if isinstance(error, ModelNotFound) else _TYPES.get(error.status, default)
    return {"code": error.status, "type": kind, "message": str(error)}


class Models:
    """`/models?limit=…&next_page_token=…`, `/models/<name>`, `/models/<name>/<version>` and `/models/<name>/all`."""

    def __init__(self, registry: Registry, settings: Settings) -> None:
        self._registry = registry
        self._settings = settings

    def answer(self, path: str, query: Mapping[str, str]) -> object:
        name = path.removeprefix(PREFIX).strip("/")
        if not name:
            return self._page(_number(query, "limit", _DEFAULT_LIMIT, 1), _number(query, "next_page_token", 0, 0))
        return [self._description(classifier) for classifier in self._found(name)]

    def _page(self, limit: int, first: int) -> dict[str, Any]:
        names = self._registry.names[first : first + limit]
        models = [{"modelName": name, "modelUrl": _url(self._registry.versions(name)[0])} for name in names]
        after = first + limit
        return {"models": models} | ({"nextPageToken": str(after)} if after < len(self._registry.names) else {})

    def _found(self, path: str) -> Sequence[Classifier]:
        if path in self._registry:
            return self._registry.versions(path)[:1]
        name, _, version = path.rpartition("/")
        if version == "all" and name in self._registry:
            return self._registry.versions(name)
        return [self._registry.find(name, version) if name in self._registry else self._registry.find(path)]

    def _description(self, classifier: Classifier) -> dict[str, Any]:
        replicas = classifier.description.replicas
        worker = {"status": "READY" if classifier.ready else "LOADING", "pid": os.getpid()}
        return {
            "modelName": classifier.name,
            "modelVersion": classifier.version,
            "modelUrl": _url(classifier),
            "runtime": "python",
            "minWorkers": replicas,
            "maxWorkers": replicas,
            "batchSize": self._settings.batch_limit,
            "maxBatchDelay": self._settings.batch_delay_ms,
            "loadedAtStartup": True,
            "workers": [{"id": str(number), **worker} for number in range(replicas)],
            "jobQueueStatus": {
                "remainingCapacity": max(0, self._settings.queue_size - classifier.waiting),
                "pendingRequests": classifier.waiting,
            },
        }


def _url(classifier: Classifier) -> str:
    """Where the weights come from, as far as the bundle says."""
    source = classifier.description.source
    return next((str(source[key]) for key in ("id", "package", "weights") if key in source), classifier.name)


def _number(query: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = query.get(name, str(default))
    if text.isascii() and text.isdigit() and len(text) <= 9 and int(text) >= least:
        return int(text)
    raise BadRequest(f"{name} must be a whole number from {least} on")
