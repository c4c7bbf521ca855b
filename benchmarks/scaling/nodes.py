"""Nodes for a measurement: gunicorn on a loopback address and on cores of its own, and one nginx in front of all."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from my_inference_app.settings import PROJECT

from ..load import Watch, wrk
from ..ports import HOST, free_port
from ..rows import process, until_right

_CONFIG = PROJECT / "my_inference_app" / "gunicorn.conf.py"


@dataclass(frozen=True)
class Layout:
    nodes: tuple[tuple[int, ...], ...]
    """The cores of each."""
    settings: tuple[tuple[str, str], ...] = ()
    replicas: int = 1
    """Of the engine in each worker."""

    def of(self, settings: dict[str, str]) -> dict[str, str]:
        """These settings with those of this layout."""
        own = dict(self.settings)
        if self.replicas > 1:
            bundle = Path(settings["BUNDLE"])
            name = bundle.name.removesuffix(f"--{settings['PRECISION']}")  # the store adds it for int8
            models = json.dumps([{"model": name, "replicas": self.replicas}])
            own |= {"BUNDLE": "", "MODELS_DIR": str(bundle.parent), "SERVER_MODELS": models}
        return {**settings, **own}


@dataclass(frozen=True)
class Run:
    """What one load gave."""

    connections: int
    images_per_second: float
    p50_ms: float
    p99_ms: float
    failed: int
    app_ms: float
    """CPU time of gunicorn for each request."""
    nginx_ms: float
    app_mb: float
    nginx_mb: float


@dataclass(frozen=True)
class Deployment:
    url: str
    apps: Sequence[psutil.Process]
    nginx: psutil.Process
    image: Path

    def load(self, connections: int, seconds: int) -> Run:
        with ExitStack() as stack:
            apps = [stack.enter_context(Watch(app)) for app in self.apps]
            nginx = stack.enter_context(Watch(self.nginx))
            got = wrk(self.url, connections, seconds, self.image)
        return Run(
            connections=connections,
            images_per_second=got["requests"] / got["seconds"],
            p50_ms=got["p50"],
            p99_ms=got["p99"],
            failed=int(got["failed"] + got["refused"]),
            app_ms=sum(app.cpu_seconds for app in apps) / got["requests"] * 1000,
            nginx_ms=nginx.cpu_seconds / got["requests"] * 1000,
            app_mb=sum(app.peak_mb for app in apps),
            nginx_mb=nginx.peak_mb,
        )


@contextmanager
def deployed(layout: Layout, settings: dict[str, str], image: Path, label: str, scratch: Path) -> Iterator[Deployment]:
    ports = {name: str(free_port()) for name in ("PORT", "APP_PORT", "MANAGEMENT_PORT")}
    hosts = [f"127.0.77.{number + 1}" for number in range(len(layout.nodes))]
    variables = {**layout.of(settings), **ports}
    url = f"http://{HOST}:{ports['PORT']}/predict"
    with ExitStack() as stack:
        apps = []
        for host, cores in zip(hosts, layout.nodes, strict=True):
            own = {**variables, "APP_HOST": host, "MANAGEMENT_HOST": host}
            command = [sys.executable, "-m", "gunicorn", "-c", str(_CONFIG)]
            with _pinned(cores):
                apps.append(stack.enter_context(process(command, own, scratch / f"{host}.log", cwd=PROJECT)))
            until_right(apps[-1], f"http://{host}:{ports['APP_PORT']}/predict", image, label, scratch / f"{host}.log")
        edge = {
            **variables,
            "LISTEN": HOST,
            "NGINX_PREFIX": str(scratch / "nginx"),
            "UPSTREAM": f"{','.join(hosts)}:{ports['APP_PORT']}",
        }
        scratch.chmod(0o755)  # nginx's workers are another user, when started by root
        with (scratch / "access.log").open("w") as log:
            start = [str(PROJECT / "nginx" / "start.sh")]
            nginx = stack.enter_context(process(start, edge, scratch / "nginx.log", stdout=log))
        until_right(nginx, url, image, label, scratch / "nginx.log")
        yield Deployment(url, [psutil.Process(app.pid) for app in apps], psutil.Process(nginx.pid), image)


@contextmanager
def _pinned(cores: Sequence[int]) -> Iterator[None]:
    """Processes started meanwhile may use these cores only, and take them for all of the machine's."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
