"""Containers as Docker runs them: by runc, with the image's own command, user and environment."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.containers.network import Network
from tests.live.service import until

# Docker's defaults: they are mounted in every container.
_MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
    {
        "destination": "/dev/shm",  # noqa: S108
        "type": "tmpfs",
        "source": "shm",
        "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=64m"],
    },
]
_NAMESPACES = ("pid", "ipc", "uts", "mount")


@dataclass(frozen=True)
class Options:
    """Those of a service in a compose file."""

    environment: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = True
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[Path, str] = field(default_factory=dict)
    """Files and folders to mount, read-only, and where."""
    memory: int = 0
    folder: str = ""
    """The working directory; empty means the image's."""


@dataclass
class Container:
    name: str
    root: Path
    image: Mapping[str, Any]
    address: str
    log_file: Path
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    @property
    def pid(self) -> int:
        """Of its first process, as the machine sees it; 0 when it has ended."""
        done = subprocess.run(["runc", "state", self.name], capture_output=True, text=True)
        return int(json.loads(done.stdout)["pid"]) if done.returncode == 0 else 0

    def execute(self, *command: str, user: str = "") -> subprocess.CompletedProcess[str]:
        """As `docker exec` does."""
        variables = [word for entry in self.image["Env"] for word in ("--env", entry)]
        options = ["--cwd", self.image.get("WorkingDir") or "/", *(["--user", user] if user else []), *variables]
        return subprocess.run(["runc", "exec", *options, self.name, *command], capture_output=True, text=True)

    def wait_until_healthy(self) -> None:
        until(lambda: self.healthy or self.process.poll() is not None)
        assert self.process.poll() is None, self.log

    @property
    def healthy(self) -> bool:
        kind, *command = self.image["Healthcheck"]["Test"]
        assert kind == "CMD"
        return self.execute(*command).returncode == 0

    def signal(self, number: signal.Signals) -> None:
        subprocess.check_call(["runc", "kill", self.name, number.name])

    def stop(self) -> int:
        """As `docker stop` does; returns the exit code."""
        if self.process.poll() is None:
            self.signal(signal.Signals[self.image.get("StopSignal") or "SIGTERM"])
        return self.process.wait(60)


@contextmanager
def running(
    name: str, root: Path, image: Mapping[str, Any], network: Network, folder: Path, options: Options
) -> Iterator[Container]:
    """Starts the image's command in a container on the network."""
    folder.mkdir(parents=True)
    (folder / "hosts").write_text("127.0.0.1 localhost\n")
    (folder / "resolv.conf").write_text(f"nameserver {network.host}\n")
    with network.joined(name) as (namespace, address):
        (folder / "config.json").write_text(json.dumps(_configuration(root, image, namespace, folder, options)))
        log = folder / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["runc", "run", "--bundle", folder, name], stdout=out, stderr=out, stdin=subprocess.DEVNULL
            )
        try:
            yield Container(name, root, image, address, log, process)
        finally:
            subprocess.run(["runc", "delete", "--force", name], stderr=subprocess.DEVNULL)
            process.wait(60)


def _configuration(
    root: Path, image: Mapping[str, Any], namespace: str, folder: Path, options: Options
) -> dict[str, Any]:
    user, _, group = (image["User"] or "0").partition(":")
    variables = dict(entry.split("=", 1) for entry in image["Env"]) | dict(options.environment)
    etc = {folder / name: f"/etc/{name}" for name in ("hosts", "resolv.conf")}
    resources: dict[str, Any] = {"devices": [{"allow": False, "access": "rwm"}]}
    if options.memory:
        resources["memory"] = {"limit": options.memory, "swap": options.memory}
    return {
        "ociVersion": "1.0.2",
        "process": {
            "args": [*(image.get("Entrypoint") or []), *image["Cmd"]],
            "cwd": options.folder or image.get("WorkingDir") or "/",
            "env": [f"{name}={value}" for name, value in variables.items()],
            "user": {"uid": int(user), "gid": int(group or user)},
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "root": {"path": str(root), "readonly": options.read_only},
        "mounts": [*_MOUNTS, *_tmpfs(options.tmpfs), *_binds({**etc, **options.files})],
        "linux": {
            "namespaces": [*({"type": kind} for kind in _NAMESPACES), {"type": "network", "path": namespace}],
            "resources": resources,
        },
    }


def _tmpfs(places: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "destination": place,
            "type": "tmpfs",
            "source": "tmpfs",
            "options": ["nosuid", "nodev", "noexec", "mode=1777", *filter(None, options.split(","))],
        }
        for place, options in places.items()
    ]


def _binds(files: Mapping[Path, str]) -> list[dict[str, Any]]:
    return [
        {"destination": target, "type": "bind", "source": str(source), "options": ["bind", "ro"]}
        for source, target in files.items()
    ]
