"""gunicorn's configuration: documented settings and hooks only, with values from the project's own settings."""

import math
import os
import resource
import signal
import sys
from functools import partial
from typing import Any

from my_inference_app import shared_folder
from my_inference_app.errors import SetupError
from my_inference_app.resources import give_large_memory_back
from my_inference_app.settings import Settings
from my_inference_app.settings.hosts import bracketed

try:
    _settings = Settings.from_env()
except SetupError as error:
    sys.exit(f"error: {error}")

give_large_memory_back()
shared_folder.open_folder()
# prometheus_client looks for that folder when it is imported, and these import it.
from my_inference_app import builds, logs, metrics, reloading, renewal  # noqa: E402

logs.configure(_settings)
# The usual limit of 1024 open files is lower than the number of connections nginx may open.
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)

wsgi_app = "my_inference_app.wsgi:app"
bind = f"{bracketed(_settings.app_host)}:{_settings.app_port}"
worker_class = "gthread"
worker_connections = 10_000
backlog = 4096
workers = _settings.worker_count
threads = _settings.threads
# nginx keeps its connections for 60 s. It must be the one to close them, since it chooses when to send.
keepalive = 75
# Loading the models counts too.
timeout = 60 + math.ceil(_settings.load_timeout)
graceful_timeout = _settings.grace_timeout
loglevel = _settings.log_level
logconfig_dict = logs.configuration(_settings)
control_socket_disable = True
worker_tmp_dir = shared_folder.MEMORY
# X-Forwarded-... and Script-Name headers change nothing about a request: a client could cause a 500 with them.
forwarded_allow_ips = ""
# nginx has its own limits, and answers with the standard error body. These are higher than any request it lets through.
limit_request_line = 8190
limit_request_fields = 10_000
limit_request_field_size = 0


def when_ready(server: Any) -> None:
    send = partial(os.kill, server.pid)
    reloading.watch_store(_settings, partial(send, signal.SIGHUP))
    builds.start(_settings, partial(renewal.renew, _settings, send))


def pre_fork(_server: Any, worker: Any) -> None:
    renewal.workers.add(worker)


def child_exit(_server: Any, worker: Any) -> None:
    renewal.workers.discard(worker)
    metrics.forget_worker(worker.pid)
    shared_folder.forget_ready(worker.pid)
