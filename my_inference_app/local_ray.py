"""Ray, as `make run-ray` starts it on this machine, and the deployment of the models on a cluster."""

from __future__ import annotations

import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from . import own_folder
from .errors import SetupError
from .processes import Process
from .resources import cores
from .settings import Settings

# Ray replaces 127.0.0.1 by the machine's address in its network. macOS has no other loopback address.
_HOST = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"
_OBJECT_STORE = 256 << 20
_LOG = "start.log"


@contextmanager
def own_prefix() -> Iterator[str]:
    folder = own_folder.make("ray", tempfile.gettempdir())
    try:
        yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start(folder: str, settings: Settings) -> tuple[Process, str]:
    """A cluster of this machine alone, and its address."""
    port, client_port = _free_ports(2)
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--disable-usage-stats"]
    options = {
        "node-ip-address": _HOST,
        "port": port,
        "ray-client-server-port": client_port,
        "temp-dir": folder,
        "object-store-memory": _OBJECT_STORE,
        # More than there are, so that a new bundle can run beside the old one.
        "num-cpus": 2 * max(cores(), math.ceil(settings.most_replicas * settings.ray_cpus)),
        "include-dashboard": "false",
        # Any port: the usual ones may be in use.
        "min-worker-port": 0,
        "max-worker-port": 0,
        "include-log-monitor": "false",
    }
    command += [f"--{name}={value}" for name, value in options.items()]
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    environment.pop("RAY_ADDRESS", None)
    # Ray says much, and to end it with `ray stop`, which would end every Ray of this machine.
    quiet = ["/bin/sh", "-c", 'exec "$@" >"$0" 2>&1', f"{folder}/{_LOG}", *command]
    # As Ctrl-C does it. After SIGTERM it would wait half a minute for what it computes, and by then nobody asks.
    return Process("Ray", quiet, environment, signal.SIGINT), f"{_HOST}:{port}"


def wait(server: Process, address: str, folder: str) -> None:
    try:
        server.wait_until_listens(address)
    except SetupError:
        print(Path(folder, _LOG).read_text(errors="replace"), file=sys.stderr, flush=True)
        raise


def deploy(variables: Mapping[str, str]) -> None:
    """Deploys the models that the cluster does not have yet, in a process of its own since Ray is heavy."""
    command = [sys.executable, "-m", "my_inference_app.cluster", "deploy", "--if-missing"]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True)
    if not done.stdout.strip():  # the exit code may be lost, see reloading.py
        said = (done.stderr.strip() or f"it ended with exit code {done.returncode}").splitlines()[-1]
        raise SetupError(f"the models cannot be deployed on Ray: {said.removeprefix('error: ')}")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((_HOST, 0))
        return [probe.getsockname()[1] for probe in probes]
