"""gunicorn's configuration, all of it from the settings."""

import resource
import sys
from pathlib import Path
from typing import Any

from my_inference_app import reloading, watchdog
from my_inference_app.errors import SetupError
from my_inference_app.server import configure_logging
from my_inference_app.settings import Settings

try:
    _settings = Settings.from_env()
except SetupError as error:
    sys.exit(f"error: {error}")

configure_logging(_settings.log_level)
# A usual limit of 1024 open files is less than the connections nginx may bring.
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)

wsgi_app = "my_inference_app.wsgi:app"
bind = f"{_settings.app_host}:{_settings.app_port}"
worker_class = "my_inference_app.worker.Worker"
worker_connections = 10_000
workers = _settings.worker_count
threads = _settings.threads
# nginx keeps its connections for 60 s; the side that does not choose when to send must be the later to close.
keepalive = 75
timeout = 120
graceful_timeout = _settings.grace_timeout
loglevel = _settings.log_level
control_socket_disable = True
sendfile = False  # see WholeResponse in worker.py
# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108


def on_starting(server: Any) -> None:
    reloading.make_careful(server)


def post_worker_init(worker: Any) -> None:
    """Lets /readyz know when its worker stops, and ends the worker if a request hangs in it."""
    extensions = worker.wsgi.extensions
    extensions["stopping"] = lambda: not worker.alive
    watchdog.watch(
        extensions["in_flight"],
        limit=_settings.hang_timeout,
        grace=_settings.grace_timeout,
        stop_taking=lambda: worker.handle_exit(None, None),
    )
