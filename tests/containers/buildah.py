"""buildah with a storage of its own, which is removed with everything in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.containers import pip_configuration
from tests.images import REPOSITORY

STORAGE = """
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""


@dataclass(frozen=True)
class Buildah:
    folder: Path

    def __call__(self, *arguments: str | Path) -> str:
        command = ["buildah", *map(str, arguments)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def build(self, *arguments: str, checkout: Path = REPOSITORY, **variables: str) -> str:
        """Runs the script of `make images`; returns what it printed."""
        mounts = [f"-v {mount}" for mount in pip_configuration.mounts(self.folder)]
        environment = {**self.environment, "BUILDAH_OPTIONS": " ".join(mounts), "TORCH_INDEX": "", **variables}
        done = subprocess.run(
            [checkout / "containers" / "images.sh", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def configuration(self, name: str) -> dict[str, Any]:
        """What Docker reads: command, user, environment, labels, health check."""
        inspected = json.loads(self("inspect", "--type", "image", name))
        found: dict[str, Any] = inspected["Docker"]["config"]
        return found

    def history(self, name: str) -> str:
        return json.dumps(json.loads(self("inspect", "--type", "image", name))["Docker"]["history"])

    def size(self, name: str) -> float:
        """MB of the files in it."""
        with self.mounted(name) as folder:
            counted = subprocess.check_output(["du", "-sxb", folder], text=True)
            return int(counted.split()[0]) / 1e6

    @contextmanager
    def mounted(self, name: str) -> Iterator[Path]:
        container = self("from", "--pull-never", name)
        try:
            yield Path(self("mount", container))
        finally:
            self("rm", container)

    def remove_everything(self) -> None:
        self("rm", "--all")
        self("rmi", "--all", "--force")
        # The storage mounts its folder on itself.
        subprocess.run(["umount", self.folder / "storage" / "overlay"], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder)

    @property
    def environment(self) -> dict[str, str]:
        configuration = self.folder / "storage.conf"
        configuration.write_text(STORAGE.format(folder=self.folder))
        # The cache mounts of a build lie in TMPDIR.
        return {**os.environ, "CONTAINERS_STORAGE_CONF": str(configuration), "TMPDIR": str(self.folder)}
