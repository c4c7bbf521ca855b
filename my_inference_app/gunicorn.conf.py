"""gunicorn's configuration, all of it from the settings."""

import sys
from pathlib import Path
from typing import Any

from my_inference_app.errors import SetupError
from my_inference_app.server import configure_logging
from my_inference_app.settings import Settings

try:
    _settings = Settings.from_env()
except SetupError as error:
    sys.exit(f"error: {error}")

configure_logging(_settings.log_level)

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
# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108


def post_worker_init(worker: Any) -> None:
    """Lets /readyz know when its worker stops."""
    worker.wsgi.extensions["stopping"] = lambda: not worker.alive
