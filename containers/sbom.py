"""Prints what an image consists of, as CycloneDX JSON. Usage: sbom.py IMAGE

The packages are those that dpkg and pip have recorded in the image.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import HeaderParser
from importlib.metadata import distributions
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL


def main(image: str) -> None:
    described = Component(name=image, bom_ref=image, type=ComponentType.CONTAINER)
    with files_of(image) as root:
        packages = [*python_packages(root), *debian_packages(root)]
    bom = Bom(components=packages)
    bom.metadata.component = described
    bom.register_dependency(described, packages)
    print(JsonV1Dot6(bom).output_as_string(indent=2))


def python_packages(root: Path) -> Iterator[Component]:
    for folder in root.glob("venv/lib/python3*/site-packages"):
        for found in distributions(path=[str(folder)]):
            yield component("pypi", "", found.name, found.version)


def debian_packages(root: Path) -> Iterator[Component]:
    for paragraph in (root / "var/lib/dpkg/status").read_text("utf-8").split("\n\n"):
        fields = HeaderParser().parsestr(paragraph)
        if fields["Status"] == "install ok installed":
            yield component("deb", "debian", fields["Package"], fields["Version"])


def component(kind: str, origin: str, name: str, version: str) -> Component:
    url = PackageURL(kind, origin, name, version)
    return Component(name=name, version=version, purl=url, bom_ref=str(url), type=ComponentType.LIBRARY)


@contextmanager
def files_of(image: str) -> Iterator[Path]:
    """A folder with the files of the image."""
    if succeeds("docker", "info"):
        with tempfile.TemporaryDirectory() as folder:
            container = output("docker", "create", image)
            with subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export:
                subprocess.run(["tar", "-x", "-C", folder, "venv", "var/lib/dpkg"], stdin=export.stdout, check=False)
            output("docker", "rm", container)
            yield Path(folder)
    else:
        container = output("buildah", "from", "--pull-never", image)
        try:
            yield Path(output("buildah", "mount", container))
        finally:
            output("buildah", "rm", container)


def succeeds(*command: str) -> bool:
    return bool(shutil.which(command[0])) and subprocess.run(command, capture_output=True).returncode == 0


def output(*command: str) -> str:
    return subprocess.check_output(command, text=True).strip()


if __name__ == "__main__":
    main(*sys.argv[1:])
