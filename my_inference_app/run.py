"""`make run` and `make serve`: the bundle, gunicorn and nginx, started in that order and stopped in the other."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType

from .bundles import bundle
from .bundles.store import bundle_dir
from .errors import SetupError
from .settings import PROJECT, Settings
from .settings.environment import is_set
from .settings.parsing import bracketed, reachable

FALLBACK = "efficientnet-lite0"
_NGINX_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin")
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
Process = subprocess.Popen[bytes]


class _Stop(Exception):
    """The user or the system wants the end."""


def main(arguments: list[str]) -> None:
    with_nginx = "--no-nginx" not in arguments
    for number in _STOP_SIGNALS:
        signal.signal(number, _raise_stop)
    try:
        sys.exit(_run(Settings.from_env(), with_nginx))
    except SetupError as error:
        sys.exit(f"error: {error}")
    except _Stop:
        sys.exit(0)


def _raise_stop(_number: int, _frame: FrameType | None) -> None:
    for number in _STOP_SIGNALS:  # a second one must not keep the first from stopping everything
        signal.signal(number, signal.SIG_IGN)
    raise _Stop


def _run(settings: Settings, with_nginx: bool) -> int:
    nginx = _find_nginx() if with_nginx else ""
    _check_port("APP_PORT", settings.app_host, settings.app_port)
    if nginx:
        _check_port("PORT", settings.listen, settings.port)
    folder = _export(settings, fall_back=with_nginx)
    with _running(_gunicorn(folder)) as app:
        _wait_until_ready(app, "gunicorn", settings.app_host, settings.app_port)
        if not nginx:
            _announce(settings, folder, settings.app_port)
            return app.wait()
        with tempfile.TemporaryDirectory(prefix="nginx-") as prefix, _running(_nginx(nginx, prefix, settings)) as proxy:
            _wait_until_ready(proxy, "nginx", settings.listen, settings.port)
            _announce(settings, folder, settings.port)
            return _wait_for_either(app, proxy)


def _find_nginx() -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), *_NGINX_FOLDERS])
    found = shutil.which("nginx", path=path)
    if not found:
        raise SetupError("nginx is not installed: `apt-get install nginx-light` as root, or `brew install nginx`; "
                         "or run without it: make serve")  # fmt: skip
    return found


def _check_port(name: str, host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise SetupError(f"port {port} needs root: choose another, as in `make run {name}={port + 8000}`") from None
        except OSError as error:
            other = port + 8000 if port < 1024 else port + 1
            raise SetupError(
                f"port {port} cannot be used ({error.strerror}): choose another, as in `make run {name}={other}`"
            ) from None


def _export(settings: Settings, fall_back: bool) -> Path:
    """The bundle to serve, made first if need be. A process of its own does it: it takes what serving never loads."""
    if settings.bundle:
        return bundle.read(bundle_dir(settings)).path
    command = [sys.executable, "-m", "my_inference_app.export", "--if-missing"]
    if fall_back and not is_set("MODEL"):
        command += ["--fallback", FALLBACK]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.returncode)  # it has said why
    return Path(done.stdout.strip())


def _gunicorn(folder: Path) -> Process:
    environment = {**os.environ, "BUNDLE": str(folder)}
    config = PROJECT / "my_inference_app" / "gunicorn.conf.py"
    return _start([sys.executable, "-m", "gunicorn", "-c", str(config)], environment)


def _nginx(nginx: str, prefix: str, settings: Settings) -> Process:
    Path(prefix).chmod(0o755)  # nginx's workers are another user, when started by root
    environment = {
        **os.environ,
        "NGINX_BINARY": nginx,
        "NGINX_PREFIX": prefix,
        "LISTEN": bracketed(settings.listen),
        "PORT": str(settings.port),
        "UPSTREAM": f"{bracketed(reachable(settings.app_host))}:{settings.app_port}",
        "MAX_UPLOAD_MB": str(settings.max_upload_mb),
        "REQUEST_TIMEOUT": str(settings.request_timeout),
        "CORS_ORIGINS": ",".join(settings.cors_origins),
        "CLIENT_RATE": str(settings.client_rate),
        "CLIENT_CONNECTIONS": str(settings.client_connections),
        "TRUSTED_PROXIES": ",".join(map(str, settings.trusted_proxies)),
    }
    return _start(["/bin/sh", str(PROJECT / "nginx" / "start.sh")], environment)


def _start(command: list[str], environment: dict[str, str]) -> Process:
    # A session of its own: Ctrl-C reaches only this program, which then stops the others in the right order.
    return subprocess.Popen(command, env=environment, start_new_session=True)


@contextmanager
def _running(process: Process) -> Iterator[Process]:
    """Ends the process however the block ends: gunicorn and nginx finish the requests they have on these signals."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGQUIT if "start.sh" in str(process.args) else signal.SIGTERM)
        process.wait()


def _wait_until_ready(process: Process, name: str, host: str, port: int) -> None:
    """Until a warmed-up model answers at this address, or the process has given up."""
    while process.poll() is None:
        try:
            with closing(HTTPConnection(reachable(host), port, timeout=5)) as connection:
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
        except (OSError, HTTPException):
            pass
        time.sleep(0.05)
    raise SetupError(f"{name} stopped before it was ready: the lines above say why")


def _announce(settings: Settings, folder: Path, port: int) -> None:
    made = bundle.read(folder)
    address = "localhost" if port == 80 else f"localhost:{port}"
    print(
        f"\nServing {made.name} ({made.origin}) with {settings.worker_count} worker(s) on http://{address}\n"
        f"Try it:  curl -F image=@post_request/cat.jpg {address}/predict\n"
        "Ctrl-C stops it.\n",
        flush=True,
    )


def _wait_for_either(app: Process, proxy: Process) -> int:
    while True:
        for name, process in (("gunicorn", app), ("nginx", proxy)):
            if process.poll() is not None:
                raise SetupError(f"{name} stopped (exit code {process.returncode}); stopping the rest")
        time.sleep(0.2)


if __name__ == "__main__":
    main(sys.argv[1:])
