"""docs/deploy.md: five commands for each place, with files and options that exist."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.deploy.files import FOLDER
from tests.images import REPOSITORY

TEXT = (REPOSITORY / "docs" / "deploy.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
PLACES = [
    *("Fly.io", "Heroku", "Paperspace", "Cloud Run", "App Runner"),
    *("Vertex AI", "SageMaker", "A bare machine"),
]


def commands_of(section: str) -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", SECTIONS[section], re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("place", PLACES)
def test_place_has_five_commands_and_its_file(place: str) -> None:
    commands = commands_of(place)
    assert len(commands) == 5
    assert "MODEL" in commands[1]
    assert "](../deploy/" in SECTIONS[place]


@pytest.mark.parametrize("place", ["The all-in-one image", *PLACES])
def test_commands_are_shell_and_name_files_that_exist(place: str) -> None:
    text = "\n".join(commands_of(place))
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    named = re.findall(r"(?<![\w/.-])(?:file://)?((?:deploy|my_inference_app)/[\w./-]+)", text)
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


@pytest.mark.parametrize("script", sorted(FOLDER.rglob("*.sh")), ids=lambda path: path.name)
def test_script_is_executable_and_short(script: str) -> None:
    path = FOLDER / script
    subprocess.run(["bash", "-n", str(path)], check=True)
    assert path.stat().st_mode & 0o111
    lines = path.read_text("utf-8").splitlines()
    assert "set -euo pipefail" in lines
    assert len(lines) <= 25


def test_sagemaker_finds_the_program_it_starts() -> None:
    """It runs `docker run IMAGE serve`."""
    dockerfile = (REPOSITORY / "my_inference_app" / "Dockerfile").read_text("utf-8")
    (all_in_one,) = re.findall(r"^FROM .* AS all-in-one$(.*?)^FROM ", dockerfile, re.MULTILINE | re.DOTALL)
    assert "COPY containers/serve.sh /usr/local/bin/serve\n" in all_in_one
    assert (REPOSITORY / "containers" / "serve.sh").stat().st_mode & 0o111


def test_target_and_arguments_are_in_the_dockerfile() -> None:
    dockerfile = (REPOSITORY / "my_inference_app" / "Dockerfile").read_text("utf-8")
    assert re.search(r"^FROM .* AS all-in-one$", dockerfile, re.MULTILINE)
    assert re.search(r"^ARG MODEL=", dockerfile, re.MULTILINE)
