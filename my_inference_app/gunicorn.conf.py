"""gunicorn's configuration, all of it from the settings."""

import atexit
import os
import resource
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from my_inference_app.errors import SetupError
from my_inference_app.resources import give_large_memory_back
from my_inference_app.settings import Settings
from my_inference_app.settings.parsing import bracketed

try:
    _settings = Settings.from_env()
except SetupError as error:
    sys.exit(f"error: {error}")


# Figures and heartbeats must not wait for a disk, nor find it full.
_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108


def _share_figures() -> None:
    """Makes the folder in which the workers keep what they count; it goes when this process does."""
    owner = os.getpid()
    mark = f"metrics-{owner}-"
    if Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")).name.startswith(mark):
        return  # this file is read again on a reload
    folder = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=mark, dir=_MEMORY)

    def remove() -> None:
        if os.getpid() == owner:  # workers are forked, and leave this way as well
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)


give_large_memory_back()
_share_figures()
# prometheus_client looks for that folder when it is imported, and these import it.
from my_inference_app import metrics, reloading, watchdog  # noqa: E402
from my_inference_app.server import configure_logging  # noqa: E402

configure_logging(_settings.log_level)
# A usual limit of 1024 open files is less than the connections nginx may bring.
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)

wsgi_app = "my_inference_app.wsgi:app"
bind = f"{bracketed(_settings.app_host)}:{_settings.app_port}"
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
# Nobody's X-Forwarded-... or Script-Name headers change what a request is: with them a client could cause a 500.
forwarded_allow_ips = ""
sendfile = False  # see wire/response.py
worker_tmp_dir = _MEMORY


def on_starting(server: Any) -> None:
    reloading.make_careful(server)


def post_worker_init(worker: Any) -> None:
    """Lets /readyz know when its worker stops, and ends the worker if a request hangs in it."""
    metrics.worker_starts.inc()
    extensions = worker.wsgi.extensions
    extensions["stopping"] = lambda: not worker.alive
    watchdog.watch(
        extensions["in_flight"],
        limit=_settings.hang_timeout,
        grace=_settings.grace_timeout,
        stop_taking=lambda: worker.handle_exit(None, None),
    )


def child_exit(_server: Any, worker: Any) -> None:
    metrics.forget_worker(worker.pid)
