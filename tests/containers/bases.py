"""A stand-in for the base image where it cannot be pulled: debootstrap's Debian, made as small as the real one."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from tests.containers.buildah import Buildah

NAME = "docker.io/library/debian:12-slim"
ARCHIVE = Path("/var/tmp") / f"my_inference_app-{os.getuid()}" / "debian-12-slim.tar"  # noqa: S108
"""Kept for later runs."""
_LONGEST = 7 * 24 * 3600
_UNUSED = (
    *("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale"),
    *("var/lib/apt/lists", "var/cache/apt", "var/log"),
)
# As the real image has them.
_DPKG = """\
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
"""
_APT = """\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb || true"; };
Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
"""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def add(buildah: Buildah) -> None:
    """Puts the stand-in into the storage, under the name that the Dockerfiles use."""
    if not ARCHIVE.exists() or time.time() - ARCHIVE.stat().st_mtime > _LONGEST:
        _make(buildah.folder / "debian")
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, ARCHIVE, "/")
    buildah("config", "--env", f"PATH={_PATH}", "--cmd", "bash", container)
    buildah("commit", "--quiet", "--rm", container, NAME)


def _make(folder: Path) -> None:
    done = subprocess.run(
        ["debootstrap", "--variant=minbase", "bookworm", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    for name in _UNUSED:
        shutil.rmtree(folder / name)
        (folder / name).mkdir()
    (folder / "etc/dpkg/dpkg.cfg.d/docker").write_text(_DPKG)
    (folder / "etc/apt/apt.conf.d/docker").write_text(_APT)
    ARCHIVE.parent.mkdir(mode=0o700, exist_ok=True)
    unfinished = ARCHIVE.with_suffix(".new")
    subprocess.check_call(["tar", "-C", folder, "-cf", unfinished, "."])
    unfinished.rename(ARCHIVE)
    shutil.rmtree(folder)
