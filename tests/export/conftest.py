"""Models, the bundles made of them, and a hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import torch

from my_inference_app.bundles import bundle
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.export.options import Options
from my_inference_app.export.plan import Plan, run
from tests.export import hub_server
from tests.export.command_line import CommandLine
from tests.export.hub_server import Hub, read_folder
from tests.export.tiny_models import save

MODEL = "tiny/resnet"
CARD = b"---\nlicense: apache-2.0\n---\n# A tiny ResNet\n"

Make = Callable[[str | Path], Bundle]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Several threads only slow down models as small as these."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a family's tiny model, in hub format."""

    @cache
    def once(family: str) -> Path:
        return save(family, tmp_path_factory.mktemp("hub-format") / family)

    return once


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes the bundle of a folder or name, in this process."""

    def of(model: str | Path) -> Bundle:
        return bundle.read(run(Plan(Options(str(model)), tmp_path / "models", ("openvino",))))

    return of


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_server.running() as served:
        yield served


@pytest.fixture(scope="session")
def files(saved: Callable[[str], Path]) -> dict[str, bytes]:
    """A typical repository: weights in several formats, and files that are not needed."""
    return {
        **read_folder(saved("resnet")),
        "README.md": CARD,
        "pytorch_model.bin": b"never to be downloaded",
        "tf_model.h5": b"nor this",
    }


@pytest.fixture
def online(hub: Hub, command_line: CommandLine) -> CommandLine:
    return command_line.with_(HF_ENDPOINT=hub.endpoint)
