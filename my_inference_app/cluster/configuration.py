"""The models of the settings as applications of Ray Serve. Needs none of Ray's packages."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ..bundles import bundle as bundles
from ..bundles.bundle import Bundle
from ..bundles.store import Place, places
from ..engines.ray import application_of
from ..settings import Settings

IMPORT_PATH = "my_inference_app.cluster.application:build"
REPLICA = "Replica"

Application = dict[str, Any]
"""As in a Serve configuration (ServeApplicationSchema)."""


def configuration(settings: Settings) -> dict[str, Any]:
    """For `serve deploy`, and for a RayService of Kubernetes."""
    # Calls come by handle, so nothing has to listen for HTTP.
    return {"proxy_location": "Disabled", "applications": applications(settings)}


def applications(settings: Settings) -> list[Application]:
    return [_application(place, bundle, settings) for place, bundle in _found(settings)]


def _found(settings: Settings) -> Iterator[tuple[Place, Bundle]]:
    """Each bundle once, however many names it is served under."""
    seen: set[str] = set()
    for place in places(settings):
        bundle = bundles.read(place.folder)
        if (name := application_of(bundle)) not in seen:
            seen.add(name)
            yield place, bundle


def _application(place: Place, bundle: Bundle, settings: Settings) -> Application:
    folder = place.folder.resolve()
    return {
        "name": application_of(bundle),
        "route_prefix": None,
        "import_path": IMPORT_PATH,
        "args": {
            "bundle": f"{settings.ray_bundles}/{folder.name}.tar" if settings.ray_bundles else str(folder),
            "identity": bundle.identity,
            "engine": settings.ray_engine,
            "precision": settings.engine_precision,
            "threads": max(1, math.floor(settings.ray_cpus)),
            "max_batch": settings.batch_limit,
        },
        "deployments": [{"name": REPLICA, **_options(place, settings)}],
    }


def _options(place: Place, settings: Settings) -> dict[str, Any]:
    least = max(settings.ray_replicas, place.replicas)
    scaling: dict[str, Any] = {"num_replicas": least}
    if settings.ray_max_replicas > least:
        limits = {"min_replicas": least, "max_replicas": settings.ray_max_replicas, "target_ongoing_requests": 2}
        scaling = {"autoscaling_config": limits}
    return {
        **scaling,
        "ray_actor_options": {"num_cpus": settings.ray_cpus, "num_gpus": settings.ray_gpus},
        # Enough for a full batch of calls with one image each.
        "max_ongoing_requests": settings.batch_limit,
        "max_queued_requests": settings.queue_size,
        "graceful_shutdown_timeout_s": settings.request_timeout,
    }
