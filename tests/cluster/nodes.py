"""A real Ray cluster on this machine: each node is a `ray start` with a loopback address of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.ports import free_port
from tests.live.service import REPOSITORY, listens, until

HEAD, SECOND = "127.0.0.2", "127.0.0.3"
_COMMON = {
    "object-store-memory": 100 << 20,
    "num-cpus": 4,
    "include-log-monitor": "false",
    # Any port: the usual ones may be in use.
    "min-worker-port": "0",
    "max-worker-port": "0",
}


@dataclass
class Cluster:
    folder: Path
    port: int = field(default_factory=free_port)
    nodes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"{HEAD}:{self.port}"

    def start(self, host: str) -> None:
        if host == HEAD:
            options = {"head": "", "port": self.port, "temp-dir": self.folder, "ray-client-server-port": free_port()}
            options |= {"include-dashboard": "false", "disable-usage-stats": ""}
        else:
            options = {"address": self.address}
        options |= {"block": "", "node-ip-address": host, **_COMMON}
        arguments = [f"--{name}={value}" if value else f"--{name}" for name, value in options.items()]
        with (self.folder / f"{host}.log").open("ab") as log:
            self.nodes[host] = subprocess.Popen(
                [sys.executable, "-m", "ray.scripts.scripts", "start", *arguments],
                cwd=REPOSITORY, stdout=log, stderr=log, env=_environment(), start_new_session=True,
            )  # fmt: skip
        if host == HEAD:
            until(lambda: listens(self.port, HEAD) or self.nodes[host].poll() is not None)
            assert self.nodes[host].poll() is None, (self.folder / f"{host}.log").read_text()

    def kill(self, host: str) -> None:
        """All processes of a node at once, as when its machine fails."""
        started = self.nodes.pop(host)
        node = psutil.Process(started.pid)
        processes = [*node.children(recursive=True), node]
        for process in processes:
            process.suspend()
        for process in processes:
            process.kill()
        psutil.wait_procs(processes[:-1], 30)
        started.wait(30)

    def deploy(self, bundle: Path, *arguments: str, **settings: object) -> str:
        command = [sys.executable, "-m", "my_inference_app.cluster", "deploy", *arguments]
        variables = {"ENGINE": "ray", "RAY_ADDRESS": self.address, "BUNDLE": bundle, "RAY_REPLICAS": 2}
        # Two replicas do not fit on one node, and leave room for others.
        variables = {**variables, "RAY_CPUS": 2.5, **settings}
        done = subprocess.run(
            command,
            env={**_environment(), **{name: str(value) for name, value in variables.items()}},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def _environment() -> dict[str, str]:
    return {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(REPOSITORY)}


@contextmanager
def cluster_of_two() -> Iterator[Cluster]:
    # Not pytest's own: Ray's sockets have long names already.
    cluster = Cluster(Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp")))
    try:
        cluster.start(HEAD)
        cluster.start(SECOND)
        yield cluster
    finally:
        for host in list(cluster.nodes):
            cluster.kill(host)
        shutil.rmtree(cluster.folder)
