"""GET /metrics, for whoever watches the service, and from where they may."""

from __future__ import annotations

from ipaddress import ip_address

from flask import Blueprint, Response, current_app, request

from .. import metrics
from ..errors import Forbidden
from ..settings import Settings

blueprint = Blueprint("monitoring", __name__)


@blueprint.get("/metrics")
def figures() -> Response:
    settings: Settings = current_app.extensions["settings"]
    for address in _addresses():
        if not _within(address, settings):
            raise Forbidden("metrics are for the networks in METRICS_FROM only")
    return Response(metrics.exposition(), content_type=metrics.CONTENT_TYPE)


def _addresses() -> list[str]:
    """Whoever made the connection and, if that was nginx, the client it names, which it puts last."""
    forwarded = request.headers.get("X-Forwarded-For")
    named = [forwarded.rpartition(",")[2].strip()] if forwarded is not None else []
    return [request.remote_addr or "", *named]


def _within(address: str, settings: Settings) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None) or found
    return any(mapped in network for network in settings.metrics_networks)
