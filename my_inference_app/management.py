"""Health checks, metrics and the list of models, on a port of their own: they answer however long requests wait.

Every worker runs this server on a thread. All of them listen on the same port, and the kernel picks one for each
connection. The port is private: nginx passes on the public health checks, Prometheus reads the metrics.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterable
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from . import metrics, torchserve, waiting
from .errors import NotReady, ServiceError, SettingError
from .inference.registry import Registry
from .settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_BACKLOG = 128
Check = Callable[[], bool]


class Management:
    """The WSGI application behind the port."""

    def __init__(
        self,
        registry: Registry,
        is_stopping: Check,
        settings: Settings,
        requests_waiting: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._registry = registry
        self._models = torchserve.Models(registry, settings)
        self._is_stopping = is_stopping
        self._routes: dict[str, Callable[[], Response]] = {
            "/healthz": lambda: _json({"status": "alive"}),
            "/readyz": self._ready,
            "/ping": self._ping,
            "/label-studio/health": self._up,
            "/metrics": lambda: Response(metrics.exposition(requests_waiting()), content_type=metrics.CONTENT_TYPE),
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        route = self._route(request)
        if route is None:
            return _error(404, "not_found", f"this port has {', '.join([*self._routes, torchserve.PREFIX])}")
        if request.method not in ("GET", "HEAD"):
            response = _error(405, "method_not_allowed", f"{request.method} is not allowed here: use GET")
            response.headers["Allow"] = "GET, HEAD"
            return response
        try:
            return route()
        except ServiceError as error:
            response = (
                _json(torchserve.error_body(error), error.status)
                if _is_of_torchserve(request.path)
                else _error(error.status, error.code, str(error))
            )
            if error.retry_after is not None:
                response.headers["Retry-After"] = str(error.retry_after)
            return response

    def _route(self, request: Request) -> Callable[[], Response] | None:
        if _is_list_of_models(request.path):
            return lambda: _json(self._models.answer(request.path, request.args))
        return self._routes.get(request.path)

    def _ready(self) -> Response:
        self._raise_if_not_ready()
        return _json({"status": "ready", "model": self._registry.names[0]})

    def _ping(self) -> Response:
        """The health check of TorchServe, and of SageMaker."""
        self._raise_if_not_ready()
        return _json({"status": "Healthy"})

    def _up(self) -> Response:
        """Label Studio gives up after a second."""
        self._raise_if_not_ready()
        return _json({"status": "UP", "model_class": self._registry.names[0]})

    def _raise_if_not_ready(self) -> None:
        if self._is_stopping():
            raise NotReady("the server is stopping")
        if not self._registry.ready:
            raise NotReady("the models are not ready yet")


def _is_of_torchserve(path: str) -> bool:
    return path == "/ping" or _is_list_of_models(path)


def _is_list_of_models(path: str) -> bool:
    return path == torchserve.PREFIX or path.startswith(f"{torchserve.PREFIX}/")


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body) + "\n", status, content_type="application/json")


def _error(status: int, code: str, message: str) -> Response:
    return _json({"success": False, "error": {"code": code, "message": message}}, status)


class _Handler(WSGIRequestHandler):
    timeout = 5  # a client that sends nothing must not keep a thread
    wbufsize = 65536  # headers and body leave together: a worker that dies never leaves half a response
    protocol_version = "HTTP/1.0"  # one request a connection: the next one may go to another worker

    def log(self, type: str, message: str, *args: object) -> None:
        """Health checks would drown the rest of the log."""


def listen(host: str, port: int) -> socket.socket:
    """A socket on an address that other processes of this service listen on as well."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = socket.socket(family, kind)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise SettingError(f"MANAGEMENT_PORT={port} cannot be used ({error.strerror}): choose another") from None
    listener.listen(_BACKLOG)
    return listener


def start(registry: Registry, is_stopping: Check, settings: Settings) -> None:
    """Serves from now on, on threads that do not keep the process alive."""
    host, port = settings.management_host, settings.management_port
    app = Management(registry, is_stopping, settings, partial(waiting.requests_waiting, settings.app_port))
    with listen(host, port) as listener:
        server = make_server(host, port, app, threaded=True, request_handler=_Handler, fd=listener.fileno())
    Thread(target=server.serve_forever, name="management", daemon=True).start()
