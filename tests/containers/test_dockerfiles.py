"""The Dockerfiles, read: linted, not root, and what a target or a build argument is called."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.images import REPOSITORY
from tests.test_architecture import SOURCES, own_imports_of

DOCKERFILES = sorted(REPOSITORY.glob("*/Dockerfile"))
APP = (REPOSITORY / "my_inference_app" / "Dockerfile").read_text("utf-8")
TARGETS = ("cuda", "ray", "dev", "all-in-one", "serving")


def stages(text: str) -> dict[str, str]:
    """What each stage holds, with the stages that it stands on."""
    found: dict[str, str] = {}
    for base, name, content in re.findall(
        r"^FROM (\S+)(?: AS (\S+))?\n(.*?)(?=^FROM |\Z)", text, re.MULTILINE | re.DOTALL
    ):
        found[name] = found.get(base, "") + content
    return found


def ids(path: Path) -> str:
    return path.parent.name


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=ids)
def test_dockerfile_is_clean(dockerfile: Path) -> None:
    command = [str(Path(sys.executable).with_name("hadolint")), "--no-color", str(dockerfile)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("", 0)


def test_default_target_is_serving() -> None:
    assert list(stages(APP))[-1] == "serving"
    assert set(TARGETS) <= set(stages(APP))


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "dev"])
def test_target_runs_the_supervisor_as_a_user_with_a_health_check(target: str) -> None:
    stage = stages(APP)[target]
    assert re.findall(r"^USER (\S+)$", stage, re.MULTILINE) == ["10001"]
    assert re.search(r'^CMD \["python", "-m", "my_inference_app.run"', stage, re.MULTILINE)
    assert re.search(r'^HEALTHCHECK .* CMD \["/health.sh", "\w+", "/readyz"\]$', stage, re.MULTILINE)
    assert "HF_HUB_OFFLINE=1" in stage


def test_converter_has_all_modules_that_the_exporter_imports() -> None:
    """And no others: a change of other code makes no new bundle."""
    needed = {module for module in SOURCES if module.startswith(("export.", "engines."))}
    while further := {name for module in needed for name in own_imports_of(module)} - needed:
        needed |= further
    copied = set(re.findall(r"\bmy_inference_app/(\w+)(?:\.py)? ", stages(APP)["converter"]))
    assert {module.partition(".")[0] for module in needed} == copied


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=ids)
def test_image_does_not_run_as_root(dockerfile: Path) -> None:
    last = list(stages(dockerfile.read_text("utf-8")).values())[-1]
    (user,) = re.findall(r"^USER (\d+)$", last, re.MULTILINE)
    assert int(user) > 0


def test_build_arguments_are_documented() -> None:
    arguments = set(re.findall(r"^ARG (\w+)", APP, re.MULTILINE)) - {"VERSION", "REVISION"}
    documented = (REPOSITORY / "docs" / "containers.md").read_text("utf-8")
    assert {name for name in arguments if f"`{name}`" not in documented} == set()


def test_development_container_uses_the_dev_target() -> None:
    build = json.loads((REPOSITORY / ".devcontainer" / "devcontainer.json").read_text("utf-8"))["build"]
    dockerfile = (REPOSITORY / ".devcontainer" / build["dockerfile"]).resolve()
    assert (dockerfile, build["target"]) == (REPOSITORY / "my_inference_app" / "Dockerfile", "dev")
