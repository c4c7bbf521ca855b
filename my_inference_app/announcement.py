"""What `make run` and `make serve` print when the service answers: what is served, where, and how to try it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .bundles import bundle
from .bundles.store import places
from .settings import Settings
from .settings.hosts import bracketed, reachable


def say(settings: Settings, variables: dict[str, str], with_nginx: bool) -> None:
    models = ", ".join(served(replace(settings, bundle=variables.get("BUNDLE", ""))))
    host = settings.listen if with_nginx else settings.app_host
    url = _url(settings, with_nginx)
    print(f"\nServing {models} with {settings.worker_count} worker(s) on {url}")
    if not with_nginx:
        without = "not protected from slow, large or too many requests, and not encrypted"
        print(f"This is gunicorn's own port, without nginx: it is {without}.")
    elif host in ("127.0.0.1", "::1", "localhost"):
        print("Only this machine can reach it. To open it to others:  make run LISTEN='*'")
    # A certificate names another host than localhost.
    target = f"--insecure {url}" if url.startswith("https:") else url.removeprefix("http://")
    print(f"Try it:  curl -F image=@post_request/cat.jpg {target}/predict\nCtrl-C stops it.\n", flush=True)


def served(settings: Settings) -> Iterator[str]:
    for place in places(settings):
        made = bundle.read(place.folder)
        version = f" version {place.version}" if place.is_version else ""
        yield f"{place.name or made.name}{version} ({made.origin})"


def _url(settings: Settings, with_nginx: bool) -> str:
    """An address at which this machine reaches the service."""
    if not with_nginx:
        scheme, host, port = "http", settings.app_host, settings.app_port
    elif settings.tls_cert:
        scheme, host, port = "https", settings.listen, settings.tls_port
    else:
        scheme, host, port = "http", settings.listen, settings.port
    local = reachable(host)
    name = "localhost" if local == "127.0.0.1" else bracketed(local)
    return f"{scheme}://{name}" if port == {"http": 80, "https": 443}[scheme] else f"{scheme}://{name}:{port}"
