"""`make run` and `make serve`: makes the bundle, starts gunicorn and nginx, watches, reloads and stops them."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

from . import announcement, certificate, front, local_ray, pid_file
from .errors import SetupError
from .preparation import prepare
from .processes import Process
from .reloading import loads
from .settings import PROJECT, Settings
from .settings.hosts import reachable

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_LAST_WORDS = 4.0
"""Seconds after GRACE_TIMEOUT for servers that end by themselves, before they are ended by force."""


class _Stop(Exception):
    """Raised by the signals that stop the service."""


class Run:
    """One run of the service, which signals stop and reload."""

    def __init__(self, settings: Settings, with_nginx: bool) -> None:
        self._settings = settings
        self._with_nginx = with_nginx
        self._servers: list[Process] = []
        self._reload = False
        self._has_terminal = _has_terminal()
        for number in _STOP_SIGNALS:
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_hangup)

    def __call__(self) -> None:
        settings = self._settings
        nginx = front.find() if self._with_nginx else ""
        _check_ports(settings, self._with_nginx)
        if nginx:
            _check_certificate(settings)
        variables = prepare(settings, fall_back=self._with_nginx)
        port = settings.port if nginx else settings.app_port
        with ExitStack() as stack, self._stopped_in_the_end():
            if settings.engine == "ray":
                variables |= self._on_ray(stack, variables)
            app = self._start(_gunicorn(variables))
            app.wait_until_answers(reachable(settings.management_host), settings.management_port, "/readyz")
            if nginx:
                proxy = self._start(front.start(nginx, stack.enter_context(front.own_prefix()), settings))
                proxy.wait_until_answers(reachable(settings.listen), port, "/healthz", server="nginx")
            stack.enter_context(pid_file.written(port))
            announcement.say(settings, variables, bool(nginx))
            self._watch(app, variables)

    def _start(self, server: Process) -> Process:
        self._servers.append(server)
        return server

    def _on_ray(self, stack: ExitStack, variables: dict[str, str]) -> dict[str, str]:
        """Deploys the models, on a Ray of this machine's own if there is no other. Returns where it is."""
        address = self._settings.ray_address
        if not address:
            _say("starting Ray on this machine")
            folder = stack.enter_context(local_ray.own_prefix())
            server, address = local_ray.start(folder, self._settings)
            local_ray.wait(self._start(server), address, folder)
        _say(f"deploying on Ray at {address} what it does not have yet")
        local_ray.deploy({**variables, "RAY_ADDRESS": address})
        return {"RAY_ADDRESS": address}

    @contextmanager
    def _stopped_in_the_end(self) -> Iterator[None]:
        """Stops nginx before gunicorn, so that both finish the requests they have."""
        try:
            yield
        finally:
            deadline = time.monotonic() + self._settings.grace_timeout + _LAST_WORDS
            for server in reversed(self._servers):
                server.end(deadline)

    def _watch(self, app: Process, variables: dict[str, str]) -> None:
        while True:
            for server in self._servers:
                if server.exit_code is not None:
                    raise SetupError(f"{server.name} stopped (exit code {server.exit_code}): the service ends")
            if self._reload:
                self._reload = False
                self._reload_certificate()
                if reason := loads(self._settings, variables):
                    _say(f"{reason}\nnot reloaded, the workers go on with what they have: the line above says why")
                else:
                    app.send(signal.SIGHUP)
            time.sleep(0.2)

    def _reload_certificate(self) -> None:
        if not (self._with_nginx and self._settings.tls_cert):
            return
        try:
            _check_certificate(self._settings)
        except SetupError as error:
            _say(f"error: {error}\nnginx keeps the certificate that it has")
        else:
            self._servers[-1].send(signal.SIGHUP)

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        for number in _STOP_SIGNALS:
            signal.signal(number, self._on_second_stop)
        raise _Stop

    def _on_second_stop(self, _number: int, _frame: FrameType | None) -> None:
        for server in self._servers:
            server.kill()
        os._exit(128 + signal.SIGINT)

    def _on_hangup(self, number: int, frame: FrameType | None) -> None:
        """Reloads, unless the terminal is gone: then nobody is left who could stop the service."""
        if self._has_terminal and not _has_terminal():
            self._on_stop(number, frame)
        self._reload = True


def main(arguments: list[str]) -> None:
    with_nginx = "--no-nginx" not in arguments
    try:
        settings = Settings.from_env()
        if "--reload" in arguments:
            os.kill(pid_file.read(settings.port if with_nginx else settings.app_port), signal.SIGHUP)
        else:
            Run(settings, with_nginx)()
    except SetupError as error:
        sys.exit(f"error: {error}")
    except _Stop:
        sys.exit(0)


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _check_ports(settings: Settings, with_nginx: bool) -> None:
    _check_port("APP_PORT", settings.app_host, settings.app_port)
    _check_port("MANAGEMENT_PORT", settings.management_host, settings.management_port)
    if with_nginx:
        _check_port("PORT", settings.listen, settings.port)
        if settings.tls_cert:
            _check_port("TLS_PORT", settings.listen, settings.tls_port)


def _check_port(name: str, host: str, port: int) -> None:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, _, _, address = found[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except PermissionError:
            raise SetupError(f"port {port} needs root: choose another, as in `make run {name}={port + 8000}`") from None
        except OSError as error:
            other = port + 8000 if port < 1024 else port + 10
            raise SetupError(
                f"port {port} of {host} cannot be used ({error.strerror}): choose another, as in "
                f"`make run {name}={other}`"
            ) from None


def _check_certificate(settings: Settings) -> None:
    if settings.tls_cert and settings.tls_key:
        certificate.check(settings.tls_cert, settings.tls_key)


def _gunicorn(variables: dict[str, str]) -> Process:
    config = PROJECT / "my_inference_app" / "gunicorn.conf.py"
    command = [sys.executable, "-m", "gunicorn", "-c", str(config)]
    return Process("gunicorn", command, {**os.environ, **variables}, signal.SIGTERM)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
