"""What README says is true: its commands run, its table is the settings', its links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from my_inference_app.settings.table import table
from tests.live.service import REPOSITORY, environment, free_port, until

README = (REPOSITORY / "README.md").read_text("utf-8")
DOCUMENTS = [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md"), REPOSITORY / "post_request" / "README.md"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)


def test_the_settings_are_those_of_the_code() -> None:
    assert table() in (REPOSITORY / "docs" / "settings.md").read_text("utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", document.read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_tests_that_are_named_exist(document: Path) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", document.read_text("utf-8"))
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


def test_the_targets_are_those_of_make() -> None:
    listed = subprocess.check_output(["make"], cwd=REPOSITORY, text=True)
    named = set(re.findall(r"`make ([a-z]+)", README))
    assert named <= set(re.findall(r"make ([a-z-]+) ", listed))


def test_the_two_commands_give_the_answer_shown(tmp_path: Path) -> None:
    """`make run` as it is on a machine that cannot reach the hub, then the curl line, but for the port."""
    make_run, curl = blocks("sh")[:2]
    shown = json.loads(blocks("json")[0])
    port = free_port()
    settings = {"HF_HOME": tmp_path, "HF_HUB_OFFLINE": 1, "MODELS_DIR": tmp_path, "PORT": port, "APP_PORT": free_port()}
    variables = environment(**settings)
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):  # of the make that may be running these tests
        variables.pop(name, None)
    log = tmp_path / "log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            make_run,
            shell=True,
            cwd=REPOSITORY,
            env=variables,
            stdout=out,
            stderr=out,
            start_new_session=True,
        ) as process,
    ):
        try:
            until(lambda: "Try it:" in log.read_text() or process.poll() is not None, seconds=300)
            command = curl.replace("localhost", f"localhost:{port}")
            answer = json.loads(subprocess.check_output(command, shell=True, cwd=REPOSITORY))
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
    said = log.read_text()
    assert "INSTEAD of microsoft/resnet-50" in said
    assert f"Try it:  {command}" in said
    assert without_numbers(answer) == without_numbers(shown)


def without_numbers(answer: dict[str, Any]) -> dict[str, Any]:
    """Processors differ in the last digits, and with them sometimes in the order of the last places."""
    best = answer["predictions"][0]
    return {**answer, "request_id": "", "predictions": [len(answer["predictions"]), best["class_id"], best["label"]]}
