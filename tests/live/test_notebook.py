"""post_request/try_the_service.ipynb is made of try_the_service.py, and its cells run against the real service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from benchmarks.ports import free_port
from tests.live.service import REPOSITORY, Service

CLIENT = REPOSITORY / "post_request"
NOTEBOOK = CLIENT / "try_the_service.ipynb"


def make(*arguments: str | Path, url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CLIENT / "make_notebook.py"), *map(str, arguments)]
    with TemporaryDirectory() as folder:  # for what a kernel remembers
        environment = {**os.environ, "SERVICE_URL": url, "IPYTHONDIR": folder, "JUPYTER_RUNTIME_DIR": folder}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def cells_of(notebook: Path) -> list[Any]:
    return list(json.loads(notebook.read_text("utf-8"))["cells"])


def without_outputs(cells: list[Any]) -> list[tuple[str, ...]]:
    return [(cell["id"], cell["cell_type"], *cell["source"]) for cell in cells]


def outputs_of(cells: list[Any]) -> list[tuple[str, ...]]:
    """The kind of each output of each cell of code."""
    return [
        tuple(sorted({output["output_type"] for output in cell["outputs"]}))
        for cell in cells
        if cell["cell_type"] == "code"
    ]


def pictures_in(cells: list[Any]) -> int:
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    return sum("image/png" in output.get("data", {}) for output in outputs)


@pytest.fixture(scope="module")
def made(service: Service, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    target = tmp_path_factory.mktemp("notebook") / "made.ipynb"
    done = make(target, url=service.url)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr
    return cells_of(target)


def test_notebook_has_the_cells_of_the_script(made: list[Any]) -> None:
    assert without_outputs(cells_of(NOTEBOOK)) == without_outputs(made)


def test_cells_run_against_the_service_and_give_the_outputs_of_the_notebook(made: list[Any]) -> None:
    assert outputs_of(made) == outputs_of(cells_of(NOTEBOOK))
    assert pictures_in(made) == 3
    kinds = {kind for outputs in outputs_of(made) for kind in outputs}
    assert kinds == {"stream", "display_data"}  # so no error, and nothing on the way to one


def test_notebook_is_small_and_names_no_folder_of_a_machine() -> None:
    text = NOTEBOOK.read_text("utf-8")
    assert len(text) < 300_000
    assert [place for place in ("/home/", "/root/", "/work/", "/tmp/", "/usr/") if place in text] == []  # noqa: S108
    assert pictures_in(cells_of(NOTEBOOK)) == 3


def test_notebook_without_a_service_is_one_line(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = make(tmp_path / "none.ipynb", url=url)
    remedy = "start it with `make run`, or name another with SERVICE_URL"
    assert (done.stdout, done.stderr, done.returncode) == ("", f"error: no service at {url}: {remedy}\n", 1)
    assert list(tmp_path.iterdir()) == []
