"""The application factory: blueprints, error handler, request ids. Run directly for debugging on port 5000."""

from __future__ import annotations

import re
import sys
import uuid
from contextlib import suppress
from importlib import import_module

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from my_inference_app import logs, tracing
from my_inference_app.api import errors, models, observation, openapi, page, static_files
from my_inference_app.api.context import Wording
from my_inference_app.api.guard.admission import refuse_late
from my_inference_app.api.guard.cross_origin import add_cors_headers, answer_preflight
from my_inference_app.api.guard.keys import refuse_without_key
from my_inference_app.api.whole_response import send_as_one_piece
from my_inference_app.errors import ServiceError, SetupError
from my_inference_app.fetching.fetcher import Fetcher
from my_inference_app.fetching.label_studio import LabelStudio
from my_inference_app.inference.cache import Cache
from my_inference_app.inference.registry import Registry, load
from my_inference_app.review import Review
from my_inference_app.settings import Settings
from my_inference_app.settings.environment import is_set
from my_inference_app.teaching.album import Album
from my_inference_app.watchdog import InFlight

# Each is a module in api/protocols/ with a blueprint. One with PREFIXES words the errors at these addresses itself:
# error_response(error).
PROTOCOLS = ("predict", "embed", "huggingface", "kserve_v1", "label_studio", "open_inference", "torchserve", "vertex")

TEACHING = ("teach", "teach_photos", "teach_page", "teach_webhook")
"""Those of TEACH=1."""

_CHUNK = 1 << 20
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def create_app(settings: Settings | None = None, registry: Registry | None = None) -> Flask:
    """Creates the app. Loads and warms up the models of the settings, unless a registry is given."""
    settings = settings or Settings.from_env()
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_upload_bytes
    in_flight = InFlight()
    wordings: dict[str, Wording] = {}
    app.extensions.update(
        settings=settings,
        registry=registry or load(settings, in_flight),
        cache=Cache(settings.cache_mb << 20) if settings.cache_mb else None,
        review=Review(settings) if settings.review_dir else None,
        fetcher=Fetcher(settings),
        label_studio=LabelStudio(settings),
        album=Album(settings),
        in_flight=in_flight,
        wordings=wordings,
        tracing=tracing.start(settings.otel_exporter_otlp_endpoint),
    )
    app.register_blueprint(page.blueprint)
    app.register_blueprint(static_files.blueprint)
    app.register_blueprint(models.blueprint)
    app.register_blueprint(openapi.blueprint)
    for protocol in PROTOCOLS + (TEACHING if settings.teach else ()):
        module = import_module(f"my_inference_app.api.protocols.{protocol}")
        app.register_blueprint(module.blueprint)
        wordings.update((prefix, module.error_response) for prefix in getattr(module, "PREFIXES", ()))
    errors.register(app)
    app.before_request(_begin)
    app.before_request(answer_preflight)
    app.before_request(refuse_without_key)
    app.before_request(refuse_late)
    app.after_request(_end)
    app.after_request(add_cors_headers)
    app.after_request(send_as_one_piece)
    return app


def _begin() -> None:
    observation.begin()
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _end(response: Response) -> Response:
    _read_the_rest()
    response.headers["X-Request-ID"] = g.request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    observation.finish(response)
    return response


def _read_the_rest() -> None:
    """nginx takes a response that arrives before the end of its request for a broken connection."""
    # The body may be too large or malformed, and the client may be gone.
    with suppress(HTTPException, ServiceError, OSError):
        while request.stream.read(_CHUNK):
            pass


def main(default_port: int) -> None:
    """Runs Flask's own server, for debugging."""
    try:
        settings = Settings.from_env()
        logs.configure(settings)
        app = create_app(settings)
    except SetupError as error:
        sys.exit(f"error: {error}")
    port = settings.app_port if is_set("APP_PORT") else default_port
    app.run(host=settings.app_host, port=port, threaded=True)


if __name__ == "__main__":
    main(default_port=5000)
