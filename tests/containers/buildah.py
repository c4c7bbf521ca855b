"""buildah with a storage of its own, which is removed with everything in it."""

from __future__ import annotations

import json
import os
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
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def build(self, script: list[str], **variables: str) -> str:
        """Runs a script that calls buildah; returns what it printed."""
        mounts = [f"-v {mount}" for mount in pip_configuration.mounts(self.folder)]
        environment = {**self._environment, "BUILDAH_OPTIONS": " ".join(mounts), "TORCH_INDEX": "", **variables}
        done = subprocess.run(
            script, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def image(self, name: str) -> dict[str, Any]:
        """What the image says about itself, as Docker reads it."""
        inspected: dict[str, Any] = json.loads(self("inspect", "--type", "image", name))
        return inspected

    def size(self, name: str) -> int:
        """The bytes of all layers."""
        (found,) = json.loads(self("images", "--json", name))
        with self.mounted(name) as folder:
            return int(subprocess.check_output(["du", "-sb", folder], text=True).split()[0]) if found else 0

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
        subprocess.run(["umount", self.folder / "storage" / "overlay"], stderr=subprocess.DEVNULL)

    @property
    def _environment(self) -> dict[str, str]:
        configuration = self.folder / "storage.conf"
        configuration.write_text(STORAGE.format(folder=self.folder))
        # The cache mounts of a build lie in TMPDIR.
        return {**os.environ, "CONTAINERS_STORAGE_CONF": str(configuration), "TMPDIR": str(self.folder)}
