"""pip's configuration of this machine, for the time of a build: mounted, and never copied into an image."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

CERTIFICATES = "/run/certificates.crt"


def mounts(folder: Path) -> list[str]:
    """What to mount, as SOURCE:TARGET:ro, so that pip works in a container as it does here."""
    values = _values()
    certificates = values.pop("cert", "/etc/ssl/certs/ca-certificates.crt")
    file = folder / "pip.conf"
    lines = [f"{name} = {value}" for name, value in {**values, "cert": CERTIFICATES}.items()]
    file.write_text("\n".join(["[global]", *lines, ""]))
    places = sorted({str(place) for value in values.values() for place in _places(value)})
    return [f"{file}:/etc/pip.conf:ro", f"{certificates}:{CERTIFICATES}:ro", *(f"{p}:{p}:ro" for p in places)]


def _values() -> dict[str, str]:
    listed = subprocess.check_output([sys.executable, "-m", "pip", "config", "list"], text=True)
    found = re.findall(r"^(global|install|:env:)\.([\w-]+)='(.*)'$", listed, re.MULTILINE)
    return {name: value for _, name, value in found if name != "config-file"}


def _places(value: str) -> set[Path]:
    """Files and folders that a value names. The links of an index may lead to folders beside it."""
    words = value.split()
    paths = {Path(word) for word in words if word.startswith("/")}
    indexes = {Path(word.removeprefix("file://")).parent for word in words if word.startswith("file://")}
    return {path for path in paths | indexes if path.exists()}
