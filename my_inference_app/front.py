"""nginx, the front of the service: where it is, and how `make run` starts it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from . import own_folder
from .errors import SetupError
from .processes import Process
from .settings import PROJECT, Settings
from .settings.hosts import bracketed, reachable

_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin")


def find() -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), *_FOLDERS])
    found = shutil.which("nginx", path=path)
    if not found:
        raise SetupError("nginx is not installed: `apt-get install nginx-light` as root, or `brew install nginx`; "
                         "or run without it: make serve")  # fmt: skip
    return found


@contextmanager
def own_prefix() -> Iterator[str]:
    folder = own_folder.make("nginx", tempfile.gettempdir())
    try:
        folder.chmod(0o755)  # nginx's workers are another user, when started by root
        yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start(nginx: str, prefix: str, settings: Settings) -> Process:
    environment = {
        **os.environ,
        "NGINX_BINARY": nginx,
        "NGINX_PREFIX": prefix,
        "LISTEN": bracketed(settings.listen),
        "PORT": str(settings.port),
        "UPSTREAM": f"{bracketed(reachable(settings.app_host))}:{settings.app_port}",
        "MANAGEMENT": f"{bracketed(reachable(settings.management_host))}:{settings.management_port}",
        "QUEUE_SIZE": str(settings.queue_size),
        "MAX_UPLOAD_MB": str(settings.max_upload_mb),
        "REQUEST_TIMEOUT": str(settings.request_timeout),
        "GRACE_TIMEOUT": str(settings.grace_timeout),
        "CORS_ORIGINS": ",".join(settings.cors_origins),
        "CLIENT_RATE": str(settings.client_rate),
        "CLIENT_CONNECTIONS": str(settings.client_connections),
        "TRUSTED_PROXIES": ",".join(map(str, settings.trusted_proxies)),
        "AIP_HEALTH_ROUTE": settings.aip_health_route,
        "LOG_FORMAT": settings.log_format,
        "TLS_CERT": str(settings.tls_cert or ""),
        "TLS_KEY": str(settings.tls_key or ""),
        "TLS_PORT": str(settings.tls_port),
        "TLS_PUBLIC_PORT": str(settings.tls_public_port),
        "TLS_HSTS": str(settings.tls_hsts),
    }
    return Process("nginx", ["/bin/sh", str(PROJECT / "nginx" / "start.sh")], environment, signal.SIGQUIT)
