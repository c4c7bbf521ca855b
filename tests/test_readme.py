"""The documents are true: README's commands and examples run as written, links and names lead somewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ports import free_port
from tests.live.service import REPOSITORY, environment, until

README = (REPOSITORY / "README.md").read_text("utf-8")
DOCUMENTS = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), REPOSITORY / "post_request" / "README.md"]
OFFLINE = {"HF_HUB_OFFLINE": 1}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)


MAKE_RUN, CURL, CURL_SEVERAL, MAKE_RUN_MY_MODEL = blocks("sh")
PYTHON_EXAMPLE, SAVE_MY_MODEL = blocks("python")
(JAVASCRIPT_EXAMPLE,) = blocks("js")
(ANSWER,) = map(json.loads, blocks("json"))


def anchors(document: Path) -> set[str]:
    """The names GitHub gives to headings, and the empty one for the whole document."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {"", *(re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings(document: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", document.read_text("utf-8"))
    broken = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        if "://" not in link and not (target.exists() and (not anchor or anchor in anchors(target))):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_named_files_exist(document: Path) -> None:
    text = document.read_text("utf-8")
    named = re.findall(r"`((?:tests|nginx|\.ci|benchmarks|my_inference_app)/[\w./]+\.\w+)`", text)
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_named_targets_are_targets_of_make(document: Path) -> None:
    listed = subprocess.check_output(["make"], cwd=REPOSITORY, text=True)
    named = set(re.findall(r"`make ([a-z-]+)", document.read_text("utf-8")))
    assert named - set(re.findall(r"make ([a-z-]+) ", listed)) == set()


def test_readme_is_short_and_begins_with_the_commands() -> None:
    lines = README.splitlines()
    assert len(lines) <= 150
    assert lines.index(CURL) < 30


@contextmanager
def make_run(command: str, folder: Path, **settings: object) -> Iterator[tuple[int, Path]]:
    """The command as it stands, on free ports; yields the port and the log once the service answers."""
    port = free_port()
    ports = {"PORT": port, "APP_PORT": free_port(), "MANAGEMENT_PORT": free_port()}
    variables = environment(**OFFLINE, HF_HOME=folder, MODELS_DIR=folder / "models", **ports, **settings)
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):  # of the make that may be running these tests
        variables.pop(name, None)
    log = folder / "log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, shell=True, cwd=REPOSITORY, env=variables, stdout=out, stderr=out, start_new_session=True
        )
    try:
        until(lambda: "Try it:" in log.read_text() or process.poll() is not None, seconds=300)
        assert process.poll() is None, log.read_text()
        yield port, log
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    with make_run(MAKE_RUN, tmp_path_factory.mktemp("service")) as started:
        yield started


def output(command: list[str] | str, service: tuple[int, Path]) -> str:
    """Of the command, with the port of the service in its addresses."""

    def with_port(text: str) -> str:
        return re.sub(r"(localhost|127\.0\.0\.1)(?=/)", rf"\1:{service[0]}", text)

    changed = with_port(command) if isinstance(command, str) else [with_port(word) for word in command]
    return subprocess.check_output(changed, shell=isinstance(command, str), cwd=REPOSITORY, text=True)


def test_two_commands_give_the_answer_shown(service: tuple[int, Path]) -> None:
    assert "INSTEAD of microsoft/resnet-50" in service[1].read_text()
    text = output(CURL, service)
    assert without_numbers(json.loads(text)) == without_numbers(ANSWER)
    assert len(text.splitlines()) == len(blocks("json")[0].splitlines())


def test_several_images_give_several_results(service: tuple[int, Path]) -> None:
    results = json.loads(output(CURL_SEVERAL, service))["results"]
    assert [result["predictions"][0]["label"] for result in results] == ["tiger cat", "espresso"]


def test_python_example_prints_the_label(service: tuple[int, Path]) -> None:
    assert output([sys.executable, "-c", PYTHON_EXAMPLE], service) == "tiger cat\n"


@pytest.mark.skipif(not shutil.which("node"), reason="needs Node.js")
def test_javascript_example_prints_the_label(service: tuple[int, Path]) -> None:
    assert output(["node", "--input-type=module", "--eval", JAVASCRIPT_EXAMPLE], service) == "tiger cat\n"


def test_own_model_is_saved_and_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.export import tiny_models  # first: it makes transformers find torchvision

    import transformers  # isort: skip

    trained = tiny_models.save("resnet", tmp_path / "trained")
    model = transformers.AutoModelForImageClassification.from_pretrained(trained)
    processor = transformers.AutoImageProcessor.from_pretrained(trained)  # type: ignore[no-untyped-call]
    monkeypatch.chdir(tmp_path)
    exec(SAVE_MY_MODEL, {"model": model, "processor": processor})  # noqa: S102
    command = MAKE_RUN_MY_MODEL.replace("./my-model", f"{tmp_path}/my-model")
    with make_run(command, tmp_path) as started:
        predictions = json.loads(output(CURL, started))["predictions"]
    assert {prediction["label"] for prediction in predictions} <= set(model.config.id2label.values())


def without_numbers(answer: dict[str, Any]) -> dict[str, Any]:
    """Processors differ in the last digits, and with them sometimes in the order of the last places."""
    best = answer["predictions"][0]
    return {**answer, "request_id": "", "predictions": [len(answer["predictions"]), best["class_id"], best["label"]]}
